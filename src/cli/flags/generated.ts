// What `admin … generate-spec` writes: one resource as YAML or JSON, to be committed; printed, or written back to the file
// that it was made from.
import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { DriftlessError } from "#base/errors.ts";
import { stableStringify } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { decodeBase64 } from "#model/repository.ts";
import type { Context } from "../context.ts";
import { bool, text, type FlagValues, type Flags } from "../flags.ts";
import { checkOutput, document } from "../view/print.ts";

export const outputFlags = {
  output: text("Output format: yaml, json", { short: "o", fallback: "yaml" }),
} as const satisfies Flags;

export const generatedFlags = {
  ...outputFlags,
  inline: bool("Write the result back to the file of --file, which is kept as FILE.back", { short: "i" }),
} as const satisfies Flags;

type Values = FlagValues<typeof outputFlags> & { readonly inline?: boolean; readonly file?: string };

/** Writes a resource with what people write of it: no status, and of its metadata nothing that belongs to one cluster. Errors: INVALID_ARGUMENT, CONFIG_INVALID. */
export async function writeGenerated(context: Context, resource: KubernetesObject, values: Values): Promise<void> {
  const { output } = values;
  checkOutput(output || "none", ["yaml", "json"]);
  const { name, labels, annotations, finalizers } = resource.metadata;
  const metadata = { name, labels, annotations, finalizers };
  const { status: _status, ...rest } = { ...resource, metadata } as { readonly status?: unknown };
  const content = await document(JSON.parse(stableStringify(rest)), output as "yaml" | "json");
  if (!values.inline) {
    context.out.write(content);
    return;
  }
  const file = values.file ?? "";
  if (file === "" || file === "-" || /^https?:\/\//.test(file))
    throw new DriftlessError("INVALID_ARGUMENT", "the file path must be specified using flag '--file'");
  try {
    copyFileSync(file, `${file}.back`);
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
  } catch (thrown) {
    const why = (thrown as NodeJS.ErrnoException).code ?? "unknown reason";
    throw new DriftlessError("CONFIG_INVALID", `${file} cannot be written: ${why}`, { cause: thrown });
  }
}

/** A Secret with its data readable, as people commit it (sealed) and change it. */
export function readable(secret: KubernetesObject): KubernetesObject {
  const {
    data,
    type: _type,
    ...rest
  } = secret as KubernetesObject & {
    readonly data?: Readonly<Record<string, string>>;
    readonly type?: string;
  };
  const entries = Object.entries(data ?? {}).map(([key, value]) => [key, decodeBase64(value) ?? ""]);
  return { ...rest, stringData: Object.fromEntries(entries) as Record<string, string> };
}
