// JSON patch (RFC 6902) as the API server applies it, as a value in and a value out; what is not patched is shared.
// Where the two differ, the API server is followed: `replace` sets an object's key that is not there, a key that is not
// there counts as null for `test` and `copy`, and a negative index counts from the end.
// Source: the behaviour of gopkg.in/evanphx/json-patch.v4, which kube-apiserver uses.
import { isObject, sameJson } from "#base/json.ts";
import type { Json, JsonObject } from "#base/json.ts";
import { fail, ok } from "#base/result.ts";
import type { Result } from "#base/result.ts";

/** What stops a patch: caught where the patch is applied, never seen by callers. */
class Refused extends Error {}

/** Makes of a container and one of its keys the container after the step; undefined where there is no such place. */
type Step = (container: Json, key: string) => Json | undefined;

/** Takes a document and the operations; returns the patched document, or what the first failing operation found. */
export function applyJsonPatch(document: Json, operations: readonly JsonObject[]): Result<Json, string> {
  let current = document;
  for (const operation of operations) {
    const { op, path } = isObject(operation) ? operation : {};
    const apply = typeof op === "string" && Object.hasOwn(verbs, op) ? verbs[op] : undefined;
    if (apply === undefined) return fail(`Unexpected kind: ${JSON.stringify(op ?? null)}`);
    if (typeof path !== "string") return fail(`missing path in operation ${JSON.stringify(op)}`);
    try {
      current = apply(current, path, operation);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      return fail(refused.message);
    }
  }
  return ok(current);
}

const verbs: Readonly<Record<string, (document: Json, path: string, operation: JsonObject) => Json>> = {
  add: (document, path, { value = null }) => changed(document, path, "add", inserting(value)),
  remove: (document, path) => changed(document, path, "remove", removing),
  replace(document, path, { value = null }) {
    if (path !== "") return changed(document, path, "replace", setting(value));
    if (typeof value === "object" && value !== null) return value;
    throw notApplicable("replace", path);
  },
  move(document, path, operation) {
    const from = fromOf(operation);
    const value = valueAt(document, from, "move");
    return changed(changed(document, from, "move", removing), path, "move", inserting(value));
  },
  copy(document, path, operation) {
    return changed(document, path, "copy", inserting(valueAt(document, fromOf(operation), "copy")));
  },
  test(document, path, { value = null }) {
    const found = path === "" ? document : valueAt(document, path, "test");
    if (sameJson(found, value)) return document;
    throw new Refused(`testing value ${path} failed`);
  },
};

function fromOf(operation: JsonObject): string {
  const { op, from } = operation;
  if (typeof from === "string") return from;
  throw new Refused(`missing from in operation ${JSON.stringify(op)}`);
}

function notApplicable(op: string, path: string): Refused {
  return new Refused(`the operation ${JSON.stringify(op)} cannot be applied at ${path}`);
}

/** The steps of a JSON pointer; a pointer without a slash leads nowhere. */
function stepsOf(pointer: string, op: string): string[] {
  const [, ...steps] = pointer.split("/");
  if (steps.length === 0) throw notApplicable(op, pointer);
  return steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** What stands at a pointer; null for an object's key that is not there. */
function valueAt(document: Json, pointer: string, op: string): Json {
  const steps = stepsOf(pointer, op);
  let current = document;
  for (const [i, step] of steps.entries()) {
    const child = childAt(current, step);
    if (child === undefined && (i < steps.length - 1 || !isObject(current))) throw notApplicable(op, pointer);
    current = child ?? null;
  }
  return current;
}

function childAt(container: Json, key: string): Json | undefined {
  if (isObject(container)) return Object.hasOwn(container, key) ? container[key] : undefined;
  if (!isList(container)) return undefined;
  const index = indexIn(container.length, key);
  return index === undefined ? undefined : container[index];
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** A list's index below `length`; negative ones count from the end. */
function indexIn(length: number, key: string): number | undefined {
  if (!/^[+-]?\d+$/.test(key)) return undefined;
  const number = Number(key);
  const index = number < 0 ? number + length : number;
  return index >= 0 && index < length ? index : undefined;
}

/** The document after `step` at the end of the pointer. */
function changed(document: Json, pointer: string, op: string, step: Step): Json {
  const steps = stepsOf(pointer, op);
  const at = (container: Json, depth: number): Json => {
    const key = steps[depth] ?? "";
    const last = depth === steps.length - 1;
    const child = last ? undefined : childAt(container, key);
    const next = last ? step(container, key) : isContainer(child) ? at(child, depth + 1) : undefined;
    if (next === undefined) throw notApplicable(op, pointer);
    return last ? next : withChild(container, key, next);
  };
  return at(document, 0);
}

function isContainer(value: Json | undefined): value is JsonObject | readonly Json[] {
  return typeof value === "object" && value !== null;
}

function withChild(container: Json, key: string, child: Json): Json {
  if (isObject(container)) return { ...container, [key]: child };
  const list = container as readonly Json[];
  return list.with(indexIn(list.length, key)!, child);
}

function inserting(value: Json): Step {
  return (container, key) => {
    if (isObject(container)) return { ...container, [key]: value };
    if (!isList(container)) return undefined;
    const index = key === "-" ? container.length : indexIn(container.length + 1, key);
    return index === undefined ? undefined : container.toSpliced(index, 0, value);
  };
}

function setting(value: Json): Step {
  return (container, key) => {
    const absent = isList(container) && indexIn(container.length, key) === undefined;
    return absent ? undefined : withChild(container, key, value);
  };
}

const removing: Step = (container, key) => {
  if (isObject(container)) {
    if (!Object.hasOwn(container, key)) return undefined;
    const { [key]: _, ...rest } = container;
    return rest;
  }
  const index = isList(container) ? indexIn(container.length, key) : undefined;
  return index === undefined ? undefined : (container as readonly Json[]).toSpliced(index, 1);
};
