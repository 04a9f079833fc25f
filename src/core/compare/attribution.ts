// Who set the fields that differ, and when, told from a live object's managedFields. Pure.
// Source: Kubernetes' "Server-Side Apply", Field management: each entry names a manager, how it wrote, when it last did, and
// what it owns. Who removes a field leaves no trace of that field.
import type { KubernetesObject, ManagedFieldsEntry } from "#model/object.ts";
import { elementKey } from "#core/merge/elements.ts";
import { elementType, fieldsOfEntry } from "#core/merge/fields.ts";
import type { Fields } from "#core/merge/fields.ts";
import { anyType } from "#core/merge/schema.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { lastAppliedOf } from "./last-applied.ts";
import { parsePointer } from "./paths.ts";
import { locate } from "./places.ts";

/** One manager's last write of what it owns. */
export interface Writer {
  readonly manager: string;
  /** How it writes: server-side apply, or any other way. */
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  /** `scale`, `status`, …; absent: the object itself. */
  readonly subresource?: string;
  /** RFC 3339. */
  readonly time?: string;
}

export interface Attribution {
  /** A JSON pointer, as the comparison gave it. */
  readonly path: string;
  /**
   * `set`: these managers own the field or what it is part of. `absent`: the field is not live; Kubernetes keeps no record
   * of who removed it, and these wrote to the object last. `unowned`: it is live, and nobody owns it.
   */
  readonly state: "set" | "absent" | "unowned";
  /** The latest first. */
  readonly writers: readonly Writer[];
  /** What is live there. */
  readonly live?: unknown;
  /** For `absent`: whether the last client-side apply had set it, so that somebody has removed it since. */
  readonly wasApplied?: boolean;
}

/**
 * Takes the live object with its managedFields, what an apply would make of it, their type and the paths that differ (as
 * pointers into the latter, or into the live object for what would go); returns who set each of them.
 */
export function attribute(
  live: KubernetesObject,
  predicted: KubernetesObject | undefined,
  schema: TypeSchema | undefined,
  paths: readonly string[],
): readonly Attribution[] {
  const type = schema ?? anyType;
  const entries = (live.metadata.managedFields ?? []).map((entry) => ({ entry, set: fieldsOfEntry(entry) }));
  const last = lastAppliedOf(live);
  return paths.map((path) => {
    const steps = parsePointer(path);
    const elements = trail(predicted, steps, type) ?? trail(live, steps, type);
    const found = elements === undefined ? undefined : located(live, elements, type);
    if (elements === undefined || found === undefined) {
      const writers = latest(entries.map(({ entry }) => entry)).slice(0, 1);
      const wasApplied = elements === undefined || last === undefined ? undefined : located(last, elements, type);
      return {
        path,
        state: "absent",
        writers,
        ...(last === undefined ? {} : { wasApplied: wasApplied !== undefined }),
      };
    }
    const owners = entries.filter(({ set }) => owns(set, elements, type));
    return {
      path,
      state: owners.length === 0 ? "unowned" : "set",
      writers: latest(owners.map(({ entry }) => entry)),
      live: found.value,
    };
  });
}

/** Who it was, in a sentence; `own` is the manager of this application's syncs. */
export function attributionText({ state, writers, wasApplied }: Attribution, own: string): string {
  const texts = writers.map((writer) => writerText(writer));
  const [latestText = "nobody that Kubernetes knows of"] = texts;
  if (state === "unowned") return "live, and no manager owns it";
  if (state === "absent") {
    const written = `the object was last written by ${latestText}`;
    if (wasApplied === true) return `removed since it was applied; who did is not recorded, ${written}`;
    return wasApplied === false ? `new in Git; ${written}` : `not live; ${written}`;
  }
  const others = writers.filter(({ manager }) => manager !== own);
  if (others.length === 0) return `as this application's last sync wrote it (${latestText}): Git has changed since`;
  return `set by ${others.map((writer) => writerText(writer)).join(", and by ")}`;
}

function writerText({ manager, operation, subresource, time }: Writer): string {
  const how = operation === "Apply" ? " by server-side apply" : "";
  const on = subresource === undefined ? "" : ` on ${subresource}`;
  return `${manager}${how}${on}${time === undefined ? "" : ` at ${time}`}`;
}

function latest(entries: readonly ManagedFieldsEntry[]): readonly Writer[] {
  return entries
    .toSorted((a, b) => ((a.time ?? "") < (b.time ?? "") ? 1 : (a.time ?? "") > (b.time ?? "") ? -1 : 0))
    .map(({ manager, operation, apiVersion, subresource, time }) => ({
      manager,
      operation,
      apiVersion,
      ...(subresource === undefined || subresource === "" ? {} : { subresource }),
      ...(time === undefined ? {} : { time }),
    }));
}

/** The path elements along a pointer's steps; undefined where nothing stands at their end. */
function trail(value: unknown, steps: readonly string[], schema: TypeSchema): readonly string[] | undefined {
  const elements: string[] = [];
  let at: unknown = value;
  let type = schema;
  for (const step of steps) {
    const element = elementAt(at, step, type);
    if (element === undefined) return undefined;
    elements.push(element);
    at = (at as Readonly<Record<string, unknown>>)[step];
    type = elementType(type, element) ?? anyType;
  }
  return value === undefined ? undefined : elements;
}

function located(
  value: unknown,
  elements: readonly string[],
  schema: TypeSchema,
): { readonly value: unknown } | undefined {
  let at: unknown = value;
  let type = schema;
  for (const element of elements) {
    const found = locate(at, element, type);
    if (found === undefined) return undefined;
    at = found.value;
    type = elementType(type, element) ?? anyType;
  }
  return { value: at };
}

function elementAt(value: unknown, step: string, type: TypeSchema): string | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
  const item = (value as Readonly<Record<string, unknown>>)[step];
  if (item === undefined || item === null) return undefined;
  if (!Array.isArray(value)) return `f:${step}`;
  const key = type.kind === "list" && type.listType !== "atomic" ? elementKey(item, type) : undefined;
  return key ?? `i:${step}`;
}

/** Whether a set holds the path, something below it, or the value as a whole that it is part of. */
function owns(set: Fields, elements: readonly string[], schema: TypeSchema): boolean {
  let at = set;
  let type = schema;
  for (const element of elements) {
    const child = at.children?.get(element);
    if (child === undefined) return at.own && isOwnedWhole(type);
    at = child;
    type = elementType(type, element) ?? anyType;
  }
  return true;
}

/** What is atomic is owned as a whole: who owns it owns all that is below. */
function isOwnedWhole(type: TypeSchema): boolean {
  switch (type.kind) {
    case "list":
      return type.listType === "atomic";
    case "scalar":
      return type.type !== "any" || type.atomic === true;
    default:
      return type.atomic === true;
  }
}
