// Strategic merge patch, applied: objects merge, lists merge by key where the type says so, and the directives $patch,
// $retainKeys, $setElementOrder and $deleteFromPrimitiveList are obeyed. Creating patches is strategic-create.ts.
// Source: Kubernetes community docs, "Strategic Merge Patch".
import { isObject, sameJson } from "#base/json.ts";
import type { Json, JsonObject } from "#base/json.ts";
import { fail, ok } from "#base/result.ts";
import type { Result } from "#base/result.ts";
import { fieldType } from "./equal.ts";
import { anyType } from "./schema.ts";
import type { TypeSchema } from "./schema.ts";

export const directive = {
  patch: "$patch",
  retainKeys: "$retainKeys",
  order: "$setElementOrder/",
  deleteFrom: "$deleteFromPrimitiveList/",
} as const;

type Mutable = Record<string, Json | undefined>;

/** A patch that cannot be applied. Never leaves this module: callers get its message in a result. */
class BadPatch extends Error {}

export interface ListStrategy {
  readonly merges: boolean;
  readonly retainKeys: boolean;
  /** "" for lists of scalars. */
  readonly key: string;
  readonly items: TypeSchema;
}

/** How a strategic merge treats a list of this type. */
export function listStrategy(schema: TypeSchema): ListStrategy {
  if (schema.kind !== "list") return { merges: false, retainKeys: false, key: "", items: anyType };
  const strategies = schema.patchStrategy?.split(",") ?? [];
  return {
    merges: strategies.includes("merge"),
    retainKeys: strategies.includes("retainKeys"),
    key: schema.patchMergeKey ?? "",
    items: schema.items,
  };
}

/** Whether the type says that an object is replaced as a whole. */
export function isReplaced(schema: TypeSchema): boolean {
  return (
    (schema.kind === "struct" || schema.kind === "map") && schema.patchStrategy?.split(",").includes("replace") === true
  );
}

/** Takes a document, a strategic merge patch and the document's type; returns the patched document or what is wrong. */
export function applyStrategicPatch(document: Json, patch: JsonObject, schema: TypeSchema): Result<Json, string> {
  try {
    return ok(mergeObject(isObject(document) ? document : {}, patch, schema));
  } catch (thrown) {
    if (thrown instanceof BadPatch) return fail(thrown.message);
    throw thrown;
  }
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: TypeSchema): JsonObject {
  const marker = patch[directive.patch];
  if (marker === "replace") {
    const { [directive.patch]: _, ...rest } = patch;
    return rest;
  }
  if (marker === "delete") return {};
  if (marker !== undefined) throw new BadPatch(`unknown patch type: ${JSON.stringify(marker)}`);
  const result: Mutable = { ...original };
  retainKeys(result, patch);
  const ordered = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(directive.order)) continue;
    const field = key.slice(directive.order.length);
    ordered.add(field);
    mergeOrdered(result, patch, field, fieldType(schema, field));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined || ordered.has(key) || key === directive.retainKeys || key.startsWith(directive.order))
      continue;
    if (key.startsWith(directive.deleteFrom)) deleteFromList(result, key.slice(directive.deleteFrom.length), value);
    else if (value === null) delete result[key];
    else mergeField(result, key, value, fieldType(schema, key));
  }
  return result;
}

function mergeField(result: Mutable, key: string, value: Json, schema: TypeSchema): void {
  const before = result[key];
  if (isObject(before) && isObject(value)) {
    result[key] = isReplaced(schema) ? value : mergeObject(before, value, schema);
  } else if (Array.isArray(before) && Array.isArray(value)) {
    const strategy = listStrategy(schema);
    result[key] = strategy.merges ? mergeList(before, value, strategy) : value;
  } else {
    const clean = withoutDirectives(value);
    if (clean === undefined) delete result[key];
    else result[key] = clean;
  }
}

function retainKeys(result: Mutable, patch: JsonObject): void {
  const keys = patch[directive.retainKeys];
  if (keys === undefined) return;
  if (!Array.isArray(keys)) throw new BadPatch("invalid patch format of retainKeys");
  const kept = new Set<unknown>(keys);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key.startsWith("$") || kept.has(key)) continue;
    throw new BadPatch("invalid patch format of retainKeys");
  }
  for (const key of Object.keys(result)) if (!kept.has(key)) delete result[key];
}

function deleteFromList(result: Mutable, key: string, values: Json): void {
  if (!Array.isArray(values)) throw new BadPatch("invalid patch format of primitive list");
  const before = result[key];
  if (!Array.isArray(before)) return;
  const gone = new Set<unknown>(values);
  result[key] = (before as readonly Json[]).filter((item) => !gone.has(item));
}

/** Merges a field whose patch says in which order its elements come. */
function mergeOrdered(result: Mutable, patch: JsonObject, key: string, schema: TypeSchema): void {
  const order = patch[directive.order + key];
  const value = patch[key];
  const before = result[key];
  if (!Array.isArray(order)) throw new BadPatch("invalid patch format of setElementOrder list");
  if (
    (value !== undefined && !Array.isArray(value)) ||
    (before !== undefined && before !== null && !Array.isArray(before))
  )
    throw new BadPatch(`expected a list in field ${key}`);
  const strategy = listStrategy(schema);
  const deletions = patch[directive.deleteFrom + key];
  if (value === undefined && !Array.isArray(before)) return;
  checkOrder(value ?? [], order, strategy.key);
  const list: readonly Json[] = Array.isArray(before) ? (before as readonly Json[]) : [];
  let merged: readonly Json[];
  if (value === undefined) merged = list;
  else if (!Array.isArray(before)) merged = (withoutDirectives(value) as readonly Json[] | undefined) ?? [];
  else merged = strategy.merges ? mergeList(list, value, strategy) : value;
  if (Array.isArray(deletions)) {
    const gone = new Set<unknown>(deletions);
    merged = merged.filter((item) => !gone.has(item));
  }
  result[key] = inOrder(merged, order, list, strategy.key);
}

/** The patch's elements must come in the order that the patch asks for. */
function checkOrder(patch: readonly Json[], order: readonly Json[], key: string): void {
  if (order.length === 0) return;
  let next = 0;
  for (const item of patch) {
    if (isObject(item) && item[directive.patch] !== undefined) continue;
    while (next < order.length && !sameKey(item, order[next], key)) next++;
    if (next === order.length) throw new BadPatch("The order in patch list doesn't match $setElementOrder list");
    next++;
  }
}

function sameKey(a: Json | undefined, b: Json | undefined, key: string): boolean {
  return sameJson(keyOf(a, key), keyOf(b, key));
}

function keyOf(item: Json | undefined, key: string): Json | undefined {
  if (key === "") return item;
  if (!isObject(item)) throw new BadPatch("expected a list of objects");
  const value = item[key];
  if (value === undefined)
    throw new BadPatch(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
  return value;
}

function mergeList(original: readonly Json[], patch: readonly Json[], strategy: ListStrategy): readonly Json[] {
  if (original.length === 0 && patch.length === 0) return original;
  const key = strategy.key;
  const objects = [...original, ...patch].some((item) => typeof item === "object" && item !== null);
  if (!objects) return inOrder([...new Set([...original, ...patch])], patch, original, "");
  if (key === "") throw new BadPatch("cannot merge lists without merge key");
  let base: Json[] = [...original];
  const changes: JsonObject[] = [];
  let replace = false;
  for (const item of patch) {
    if (!isObject(item)) throw new BadPatch("expected a list of objects");
    const marker = item[directive.patch];
    if (marker === undefined) changes.push(item);
    else if (marker === "replace") replace = true;
    else if (marker === "delete") {
      const value = keyOf(item, key);
      base = base.filter((other) => !(isObject(other) && sameJson(other[key], value)));
    } else throw new BadPatch(`unknown patch type: ${JSON.stringify(marker)}`);
  }
  if (replace) return changes;
  const merged = [...base];
  for (const item of changes) {
    const value = keyOf(item, key);
    const at = merged.findIndex((other) => isObject(other) && sameJson(other[key], value));
    if (at >= 0) merged[at] = mergeObject(merged[at] as JsonObject, item, strategy.items);
    else merged.push(withoutDirectives(item)!);
  }
  return inOrder(merged, changes, base, key);
}

/**
 * The elements of a merged list in order: those that the patch names in the patch's order, the others (the server's own)
 * in the server's, woven together by where the server had them.
 */
function inOrder(
  merged: readonly Json[],
  order: readonly Json[],
  serverOrder: readonly Json[],
  key: string,
): readonly Json[] {
  const place = (list: readonly Json[], item: Json): number => list.findIndex((other) => sameKey(item, other, key));
  const named: { item: Json; at: number; server: number }[] = [];
  const others: { item: Json; at: number; server: number }[] = [];
  for (const item of merged) {
    const at = place(order, item);
    const server = place(serverOrder, item);
    (at >= 0 ? named : others).push({ item, at, server });
  }
  named.sort((a, b) => a.at - b.at);
  others.sort((a, b) => a.server - b.server);
  const result: Json[] = [];
  let next = 0;
  for (const other of others) {
    while (
      next < named.length &&
      !(named[next]!.server >= 0 && other.server >= 0 && other.server < named[next]!.server)
    )
      result.push(named[next++]!.item);
    result.push(other.item);
  }
  while (next < named.length) result.push(named[next++]!.item);
  return result;
}

/** A value that is added whole: nulls and directives in it are dropped; undefined where it is itself a directive. */
function withoutDirectives(value: Json): Json | undefined {
  if (Array.isArray(value)) {
    const list: Json[] = [];
    for (const item of value as readonly Json[]) {
      const clean = withoutDirectives(item);
      if (clean !== undefined) list.push(clean);
    }
    return list;
  }
  if (!isObject(value)) return value;
  if (value[directive.patch] !== undefined) return undefined;
  const result: Mutable = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined || item === null || isDirective(key)) continue;
    const clean = withoutDirectives(item);
    if (clean !== undefined) result[key] = clean;
  }
  return result;
}

export function isDirective(key: string): boolean {
  return (
    key.startsWith("$") &&
    (key === directive.retainKeys ||
      key === directive.patch ||
      key.startsWith(directive.order) ||
      key.startsWith(directive.deleteFrom))
  );
}
