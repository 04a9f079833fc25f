// JSON patch (RFC 6902), by the rfc6902 library, as a value in and a value out.
import { applyPatch } from "rfc6902";
import { cloneJson, isObject } from "#base/json.ts";
import type { Json, JsonObject } from "#base/json.ts";
import { fail, ok } from "#base/result.ts";
import type { Result } from "#base/result.ts";

const verbs = new Set(["add", "remove", "replace", "move", "copy", "test"]);

/** Takes a document and the operations; returns the patched document, or what the first failing operation found. */
export function applyJsonPatch(document: Json, operations: readonly JsonObject[]): Result<Json, string> {
  for (const operation of operations) {
    if (!isObject(operation) || typeof operation["op"] !== "string" || !verbs.has(operation["op"]))
      return fail(`Unexpected kind: ${JSON.stringify(operation["op"] ?? null)}`);
    if (typeof operation["path"] !== "string") return fail(`missing path in operation "${operation["op"]}"`);
  }
  // The library writes into its document; the root may be replaced, so it stands in a holder.
  const holder = { root: cloneJson(document) };
  const moved = operations.map((operation) => ({
    ...operation,
    path: `/root${pathOf(operation)}`,
    ...(typeof operation["from"] === "string" ? { from: `/root${operation["from"]}` } : {}),
  }));
  const failures = applyPatch(holder, moved as unknown as Parameters<typeof applyPatch>[1]);
  const index = failures.findIndex((failure) => failure !== null);
  if (index < 0) return ok(holder.root);
  const operation = operations[index]!;
  return operation["op"] === "test"
    ? fail(`testing value ${pathOf(operation)} failed`)
    : fail(`the operation ${JSON.stringify(operation["op"])} cannot be applied at ${pathOf(operation)}`);
}

function pathOf(operation: JsonObject): string {
  return typeof operation["path"] === "string" ? operation["path"] : "";
}
