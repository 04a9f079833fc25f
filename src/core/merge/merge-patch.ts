// JSON merge patch (RFC 7386): applied, created from two documents, and three-way as kubectl apply does for kinds without
// a strategic merge schema. Pure; documents share structure with their sources.
import { isObject, sameJson } from "#base/json.ts";
import type { Json, JsonObject, MutableJsonObject } from "#base/json.ts";

/** Takes a document and a merge patch; returns the patched document (RFC 7386, section 2). */
export function applyMergePatch(document: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: Record<string, Json | undefined> = isObject(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key] ?? null, value);
  }
  return result;
}

/** Takes two documents; returns the patch that makes the second of the first, or undefined where they are equal. */
export function createMergePatch(from: Json, to: Json): JsonObject | undefined {
  const patch = difference(isObject(from) ? from : {}, isObject(to) ? to : {}, true, true);
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function difference(from: JsonObject, to: JsonObject, additions: boolean, deletions: boolean): MutableJsonObject {
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(to)) {
    if (value === undefined) continue;
    const before = from[key];
    if (isObject(before) && isObject(value)) {
      const nested = difference(before, value, additions, deletions);
      if (Object.keys(nested).length > 0) patch[key] = nested;
    } else if (additions && (before === undefined ? value !== null : !sameJson(before, value))) patch[key] = value;
  }
  if (deletions)
    for (const key of Object.keys(from)) if (to[key] === undefined && from[key] !== undefined) patch[key] = null;
  return patch as MutableJsonObject;
}

/**
 * Takes what was applied last (undefined: nothing), what is applied now and what is live; returns the patch for the live
 * object: what the last apply set and this one no longer does is deleted, what differs is set, all else is left alone.
 * Undefined where there is nothing to do.
 */
export function threeWayMergePatch(
  original: JsonObject | undefined,
  modified: JsonObject,
  current: JsonObject,
): JsonObject | undefined {
  const changes = difference(current, modified, true, false);
  const patch = original === undefined ? changes : combine(difference(original, modified, false, true), changes);
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Two patches as one: the second has the last word; nulls are kept. */
function combine(first: MutableJsonObject, second: MutableJsonObject): MutableJsonObject {
  const result: MutableJsonObject = { ...first };
  for (const [key, value] of Object.entries(second)) {
    const before = result[key];
    result[key] = isObject(before) && isObject(value) ? combine(before, value) : value;
  }
  return result;
}
