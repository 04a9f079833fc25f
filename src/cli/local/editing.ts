// A spec as YAML in the editor of whoever runs the command. Sends nothing.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Context } from "../context.ts";
import { yamlText } from "../view/print.ts";

/**
 * Opens the editor that KUBE_EDITOR or EDITOR names, else vi; returns what the spec was changed to. Errors:
 * CONFIG_INVALID where the editor fails, INVALID_ARGUMENT for what is no YAML or no mapping.
 */
export async function edited<Spec extends object>(context: Context, name: string, spec: Spec): Promise<Spec> {
  const editor = context.env["KUBE_EDITOR"] || context.env["EDITOR"] || "vi";
  const [program = "vi", ...args] = editor.split(/\s+/);
  const dir = mkdtempSync(join(tmpdir(), "driftless-edit-"));
  const file = join(dir, `${name}-edit.yaml`);
  try {
    writeFileSync(file, await yamlText(spec), { mode: 0o600 });
    const code = await context.runProgram(program, [...args, file]).catch(() => {
      throw new DriftlessError("CONFIG_INVALID", `the editor ${program} cannot be run; set EDITOR to another`);
    });
    if (code !== 0)
      throw new DriftlessError("CONFIG_INVALID", `the editor ${program} ended with ${code}; nothing was changed`);
    const { load } = await import("js-yaml");
    const content: unknown = load(readFileSync(file, "utf8"));
    if (!isObject(content)) throw new DriftlessError("INVALID_ARGUMENT", "the edited text is not a spec");
    return content as unknown as Spec;
  } catch (thrown) {
    if (thrown instanceof DriftlessError) throw thrown;
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `the edited text is not YAML: ${(thrown as Error).message.split("\n")[0]}`,
      { cause: thrown },
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
