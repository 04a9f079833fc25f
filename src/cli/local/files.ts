// Texts that flags name: a file, `-` for standard input, or a URL; and Applications written in them.
import { readFileSync } from "node:fs";
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Application } from "#model/application.ts";
import type { Context } from "../context.ts";

const limitBytes = 16 * 1024 * 1024;

/** Error: CONFIG_INVALID naming the place and the reason. */
export async function readPlace(context: Context, place: string): Promise<string> {
  const refuse = (reason: string, cause?: unknown): DriftlessError =>
    new DriftlessError("CONFIG_INVALID", `${place} cannot be read: ${reason}`, { cause });
  if (place === "-") return context.input.readAll();
  if (/^https?:\/\//.test(place)) {
    const answer = await fetch(place, { signal: context.op.signal }).catch((thrown: unknown) => {
      throw refuse("the server does not answer", thrown);
    });
    if (!answer.ok) throw refuse(`the server answers ${answer.status}`);
    const content = await answer.text();
    if (content.length > limitBytes) throw refuse("it is too large");
    return content;
  }
  try {
    return readFileSync(place, "utf8");
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    throw refuse(code === "ENOENT" ? "there is no such file" : (code ?? "unknown reason"), thrown);
  }
}

/** The Applications of YAML or JSON documents. Error: MANIFEST_INVALID naming place, document and reason. */
export async function applicationsIn(place: string, content: string): Promise<readonly Application[]> {
  const { loadAll } = await import("js-yaml");
  let documents: unknown[];
  try {
    documents = loadAll(content);
  } catch (thrown) {
    throw new DriftlessError("MANIFEST_INVALID", `${place}: ${(thrown as Error).message.split("\n")[0]}`, {
      cause: thrown,
    });
  }
  const found = documents.flatMap((document) => {
    const items = isObject(document) && document["kind"] === "ApplicationList" ? document["items"] : undefined;
    return Array.isArray(items) ? (items as unknown[]) : document === null || document === undefined ? [] : [document];
  });
  if (found.length === 0) throw new DriftlessError("MANIFEST_INVALID", `${place} holds no Application`);
  return found.map((document, index) => {
    const where = found.length === 1 ? place : `document ${index + 1} of ${place}`;
    if (!isObject(document)) throw new DriftlessError("MANIFEST_INVALID", `${where} is not a mapping`);
    const kind = document["kind"];
    if (kind !== "Application")
      throw new DriftlessError(
        "MANIFEST_INVALID",
        `${where} is ${typeof kind === "string" ? `a ${kind}` : "of no kind"}, not an Application`,
      );
    if (!isObject(document["metadata"])) throw new DriftlessError("MANIFEST_INVALID", `${where} has no metadata`);
    return { ...document, spec: isObject(document["spec"]) ? document["spec"] : {} } as unknown as Application;
  });
}
