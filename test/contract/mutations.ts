// One field of a live object changed, of those that the desired object sets: what a comparison must find, and name.
import { elementKey } from "#core/merge/elements.ts";
import { anyType, type TypeSchema } from "#core/merge/schema.ts";
import { formatPointer } from "#core/compare/paths.ts";
import { createHash } from "node:crypto";
import type { KubernetesObject } from "#model/object.ts";

export interface Mutation {
  /** The live object with the field changed. */
  readonly live: KubernetesObject;
  /** A JSON pointer to it. */
  readonly path: string;
}

interface Leaf {
  readonly steps: readonly string[];
  readonly value: string | number | boolean;
}

/** Takes an object, desired and live; returns changes of fields that stand in both, in an order that its name decides. */
export function mutations(
  desired: KubernetesObject,
  live: KubernetesObject,
  schema: TypeSchema | undefined,
): readonly Mutation[] {
  const leaves: Leaf[] = [];
  const { metadata, apiVersion: _a, kind: _k, stringData: _s, status: _t, ...content } = desired;
  const body = { ...content, metadata: { labels: metadata.labels, annotations: metadata.annotations } };
  collect(body, live, schema ?? anyType, [], leaves);
  if (leaves.length === 0) return [];
  const hash = createHash("sha256").update(`${desired.kind}/${metadata.name}`).digest().readUInt32BE();
  const leaf = leaves[hash % leaves.length]!;
  return [
    { live: withValue(live, leaf.steps, changed(leaf.value)) as KubernetesObject, path: formatPointer(leaf.steps) },
  ];
}

/** Leaves of the desired value that are live, at the places where they are live. */
function collect(desired: unknown, live: unknown, type: TypeSchema, steps: readonly string[], into: Leaf[]): void {
  if (desired === null || desired === undefined || live === null || live === undefined) return;
  if (Array.isArray(desired)) {
    if (!Array.isArray(live)) return;
    const list = type.kind === "list" ? type : undefined;
    const keyed = list?.listType === "map" ? list : undefined;
    if (list?.listType === "set") return;
    for (const [i, item] of desired.entries()) {
      const key = keyed && elementKey(item, keyed);
      const at = keyed ? live.findIndex((other) => elementKey(other, keyed) === key) : i;
      if (at < 0 || (!keyed && desired.length !== live.length)) continue;
      collect(item, live[at], list?.items ?? anyType, [...steps, String(at)], into);
    }
    // What names an element cannot be changed: it would be another element.
    if (keyed) {
      const names = new Set(keyed.keys ?? []);
      for (let n = into.length - 1; n >= 0; n--) {
        const leaf = into[n]!;
        if (leaf.steps.length === steps.length + 2 && startsWith(leaf.steps, steps) && names.has(leaf.steps.at(-1)!))
          into.splice(n, 1);
      }
    }
    return;
  }
  if (typeof desired === "object") {
    if (typeof live !== "object" || Array.isArray(live)) return;
    for (const [key, value] of Object.entries(desired)) {
      const field = type.kind === "struct" ? type.fields[key] : type.kind === "map" ? type.value : anyType;
      const there = (live as Record<string, unknown>)[key];
      if (field !== undefined && !discriminators.has(key)) collect(value, there, field, [...steps, key], into);
    }
    return;
  }
  if (typeof live === "string" || typeof live === "number" || typeof live === "boolean")
    into.push({ steps, value: live });
}

/** Fields that say which of their neighbours count: another value makes another thing of all of them. */
const discriminators: ReadonlySet<string> = new Set(["type"]);

function startsWith(steps: readonly string[], prefix: readonly string[]): boolean {
  return prefix.every((step, i) => steps[i] === step);
}

function changed(value: string | number | boolean): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return value + 7;
  // Another quantity, where it is one.
  return /^\d+(\.\d+)?([a-zA-Z]{0,2})$/.test(value) ? `7${value}` : `${value}x`;
}

function withValue(value: unknown, steps: readonly string[], to: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return to;
  if (Array.isArray(value)) return value.with(Number(step), withValue(value[Number(step)], rest, to));
  return { ...(value as object), [step]: withValue((value as Record<string, unknown>)[step], rest, to) };
}
