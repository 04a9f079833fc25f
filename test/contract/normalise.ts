// Replaces in answers what differs from run to run (uids, versions, times, addresses, random names) by placeholders, so
// that answers of two clusters can be compared whole. Equal values get equal placeholders within one case. Pure.
import { isObject, stringAt } from "#base/json.ts";
import type { Json, JsonObject, MutableJson, MutableJsonObject } from "#base/json.ts";

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const time = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g;
const address = /\b(?:10|127)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b(?::\d+)?/g;
/** As Kubernetes encodes the hashes of templates: no vowels. */
const hashed = /([-=])[bcdfghjklmnpqrstvwxz2456789]{8,10}(?![a-z0-9])/g;
const randomNames = /\b(kube-api-access)-[a-z0-9]{5}\b/g;
/** Kinds that controllers write to as well: how often they did when an answer was made is chance. */
const written = new Set(["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Scale"]);
const hashLabels = ["pod-template-hash", "controller-revision-hash", "controller.kubernetes.io/hash"];

export interface NormaliserOptions {
  /** The case's own namespace. */
  readonly namespace: string;
  readonly managedFields: boolean;
}

export interface Normaliser {
  value(value: Json): Json;
  /** Text for people: columns are squeezed, ages and random names replaced. */
  text(text: string): string;
}

/** One for each case: it remembers which value got which placeholder. */
export function createNormaliser({ namespace, managedFields }: NormaliserOptions): Normaliser {
  const known = new Map<string, string>();
  const hashes = new Set<string>();
  const place = (kind: string, value: string): string => {
    const key = `${kind} ${value}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const count = [...known.keys()].filter((each) => each.startsWith(`${kind} `)).length;
    const placeholder = `<${kind} ${count + 1}>`;
    known.set(key, placeholder);
    return placeholder;
  };
  const scalars = (text: string): string => {
    let result = text.replaceAll(namespace, "$NS");
    for (const hash of hashes) result = result.replaceAll(hash, "<hash>");
    return result
      .replace(uuid, (found) => place("uid", found))
      .replace(time, "<time>")
      .replace(hashed, "$1<hash>")
      .replace(randomNames, "$1-<random>")
      .replace(/(in record \(|current: |resourceVersion[\\":\s]+)\d+/g, "$1<version>")
      .replace(address, "<address>");
  };
  const object = (value: JsonObject, parent: string): Json => {
    collectHashes(value, hashes);
    const result: MutableJsonObject = {};
    for (const [name, item] of Object.entries(value)) {
      if (item === undefined || (name === "managedFields" && !managedFields)) continue;
      const within = name === "metadata" && written.has(stringAt(value, "kind") ?? "") ? "written" : parent;
      result[scalars(name)] = field(name, item, within) as MutableJson;
    }
    return unordered(generatedName(result));
  };
  const field = (name: string, item: Json, parent: string): Json => {
    if (name === "resourceVersion" && typeof item === "string" && item !== "") {
      if (parent === "written metadata") return "<version>";
      return parent === "list metadata" ? "<list version>" : place("version", item);
    }
    if (name === "continue" && typeof item === "string" && item !== "") return "<continue>";
    if (name === "nodePort" && typeof item === "number" && item > 0) return "<port>";
    return walk(item, name === "metadata" && (parent === "list" || parent === "written") ? `${parent} metadata` : name);
  };
  const walk = (value: Json, parent: string): Json => {
    if (typeof value === "string") return scalars(value);
    if (Array.isArray(value)) return value.map((item: Json) => walk(item, `${parent} item`));
    return isObject(value) ? object(value, isList(value) ? "list" : parent) : value;
  };
  return {
    value: (value) => walk(value, ""),
    text: (text) => readable(scalars(text)),
  };
}

function isList(value: JsonObject): boolean {
  return typeof value["kind"] === "string" && (/List$|^Table$/.test(value["kind"]) || value["kind"] === "Status");
}

function collectHashes(value: JsonObject, hashes: Set<string>): void {
  for (const label of hashLabels) {
    const hash = stringAt(value, "metadata", "labels", label);
    // Values in full, such as `web-6d5f` of a StatefulSet, and the hash alone, as it stands in names.
    if (hash !== undefined) hashes.add(hash.slice(hash.lastIndexOf("-") + 1));
  }
}

/** What the API server gives in no particular order: managers that wrote in the same second, causes of a refusal. */
function unordered(object: MutableJsonObject): MutableJsonObject {
  const { managedFields, causes, message, details } = object;
  if (Array.isArray(managedFields)) {
    const own = managedFields.filter((entry) => stringAt(entry, "manager") !== "kube-controller-manager");
    return { ...object, managedFields: sortedBy(own, ["manager", "operation", "subresource"]) };
  }
  if (Array.isArray(causes)) return { ...object, causes: sortedBy(causes, ["field", "message"]) };
  const many = isObject(details) && Array.isArray(details["causes"]) && details["causes"].length > 1;
  if (!many || typeof message !== "string") return object;
  return { ...object, message: message.replace(/\[.*\]$/s, "[<causes>]") };
}

function sortedBy(list: readonly MutableJson[], keys: readonly string[]): MutableJson[] {
  const text = (entry: MutableJson) => keys.map((key) => stringAt(entry, key) ?? "").join(" ");
  return [...list].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** `web-x7k2p` of generateName `web-` → `web-<random>`. */
function generatedName(object: MutableJsonObject): MutableJsonObject {
  const prefix = object["generateName"];
  const name = object["name"];
  if (typeof prefix !== "string" || typeof name !== "string" || !name.startsWith(prefix)) return object;
  return { ...object, name: `${prefix}<random>` };
}

function readable(text: string): string {
  return text
    .replace(/[ \t]+/g, " ")
    .replace(/ +$/gm, "")
    .replace(/-<hash>-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, "-<hash>-<random>")
    .replace(/\b\d+(?:\.\d+)?(?:ms|s|m|h|d)(?:\d+(?:ms|s|m|h))*\b(?! *=)/g, "<age>")
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "<token>")
    .replace(/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, "<time>")
    .trim();
}

/** Takes a value and JSON pointers; returns the pointers that exist with their values. `*` takes each item of a list. */
export function pick(value: Json, pointers: readonly string[]): JsonObject {
  const result: MutableJsonObject = {};
  for (const pointer of pointers) {
    const found = follow(value, pointer.split("/").slice(1));
    result[pointer] = (found ?? null) as MutableJson;
  }
  return result;
}

function follow(value: Json | undefined, steps: readonly string[]): Json | undefined {
  const [step, ...rest] = steps;
  if (step === undefined || value === undefined) return value;
  if (step === "*" && Array.isArray(value)) return value.map((item: Json) => follow(item, rest) ?? null);
  const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
  if (Array.isArray(value)) return follow((value as readonly Json[])[Number(key)], rest);
  return isObject(value) ? follow(value[key], rest) : undefined;
}

/** Where two values differ, one line each: `/spec/replicas: expected 1, got 2`. */
export function differences(expected: Json | undefined, got: Json | undefined, path = ""): string[] {
  if (Array.isArray(expected) && Array.isArray(got)) {
    const [left, right] = [expected as readonly Json[], got as readonly Json[]];
    const length = left.length === right.length ? [] : [`${path}: expected ${left.length} items, got ${right.length}`];
    const longest = Array.from({ length: Math.max(left.length, right.length) });
    return [...length, ...longest.flatMap((_, index) => differences(left[index], right[index], `${path}/${index}`))];
  }
  if (isObject(expected) && isObject(got)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(got)])].sort();
    return keys.flatMap((key) => differences(expected[key], got[key], `${path}/${key}`));
  }
  return expected === got ? [] : [`${path}: expected ${short(expected)}, got ${short(got)}`];
}

/** Where `got` lacks what a partial expectation asks for. Strings beginning with ~ are regular expressions. */
export function missing(expected: Json | undefined, got: Json | undefined, path = ""): string[] {
  if (typeof expected === "string" && expected.startsWith("~")) {
    const matches = typeof got === "string" && new RegExp(expected.slice(1)).test(got);
    return matches ? [] : [`${path}: expected /${expected.slice(1)}/, got ${short(got)}`];
  }
  if (Array.isArray(expected) && Array.isArray(got)) {
    if (expected.length !== got.length) return [`${path}: expected ${expected.length} items, got ${got.length}`];
    return (expected as readonly Json[]).flatMap((item, index) =>
      missing(item, (got as readonly Json[])[index], `${path}/${index}`),
    );
  }
  if (isObject(expected) && isObject(got)) {
    return Object.keys(expected).flatMap((key) => missing(expected[key], got[key], `${path}/${key}`));
  }
  // null in an expectation: the field is absent or null.
  return expected === got || (expected === null && got === undefined)
    ? []
    : [`${path}: expected ${short(expected)}, got ${short(got)}`];
}

function short(value: Json | undefined): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
