// The cases of the contract: data, read from cases/*.yaml. What a case may say, and how it is read. No requests here.
//
// A case is a list of steps. A step names its method and path as one key (`GET: $CORE/configmaps/a`), and may hold
//   body, raw        what is sent: JSON, or text as it stands
//   type             of a PATCH: json, merge, strategic, apply
//   accept, headers  table, meta, or a media type; further headers
//   status, expect   what must be answered, whatever was recorded: the code, and a part of the body
//   show             the only paths (`/metadata/name`) of the answer that are compared with the recorded one;
//                    `show: []` compares none of the body
//   save             names for values of the answer, for later steps: `save: {rv: /metadata/resourceVersion}`, then `$rv`
//   WATCH            with `events` (how many to wait for), and `during`: steps taken once the watch is open
//   POLL             a GET repeated until the answer holds `until`
//   KUBECTL          arguments of kubectl, with `stdin` (objects or text) and `exit`
// Variables: $NS (a namespace of the case's own), $CORE and $APPS (its paths in v1 and apps/v1), and what was saved.
// Shorthands for a whole case: `create: OBJECT` posts it; then `update: {…}` sends that as a merge patch.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { isObject, stringAt } from "#base/json.ts";
import type { Json, JsonObject } from "#base/json.ts";

export type PatchType = "json" | "merge" | "strategic" | "apply";
export const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "WATCH", "POLL", "KUBECTL"] as const;
export type Method = (typeof methods)[number];

export interface Step {
  readonly method: Method;
  /** A path with its query; for KUBECTL the arguments. */
  readonly target: string;
  readonly body?: Json;
  readonly raw?: string;
  readonly type?: PatchType;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly expect?: Json;
  readonly show?: readonly string[];
  readonly save?: Readonly<Record<string, string>>;
  readonly events?: number;
  readonly during?: readonly Step[];
  readonly until?: Json;
  readonly stdin?: Json;
  readonly exit?: number;
  /** Answers' lists of objects are compared in order of name. */
  readonly sorted?: boolean;
}

export interface ContractCase {
  readonly area: string;
  readonly name: string;
  readonly steps: readonly Step[];
  /** metadata.managedFields are compared; otherwise they are left out. */
  readonly managedFields: boolean;
  readonly needsKubectl: boolean;
}

const directory = join(import.meta.dirname, "cases");

/** Every case, in the order of the files and of the cases in them. Throws where a file is not what it should be. */
export function readCases(): readonly ContractCase[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".yaml"));
  const cases = files.sort().flatMap((name) => readFile(name));
  const seen = new Set<string>();
  for (const { area, name } of cases) {
    if (seen.has(`${area}/${name}`)) throw new Error(`two cases are named ${area}: ${name}`);
    seen.add(`${area}/${name}`);
  }
  return cases;
}

function readFile(file: string): ContractCase[] {
  const area = file.replace(/\.yaml$/, "");
  const document = parse(readFileSync(join(directory, file), "utf8"), { merge: true, maxAliasCount: -1 }) as JsonObject;
  const list = document["cases"];
  if (!Array.isArray(list)) throw new Error(`${file} holds no list named cases`);
  return list.map((each: unknown) => {
    if (!isObject(each) || typeof each["name"] !== "string") throw new Error(`${file}: a case without a name`);
    const steps = readSteps(each, `${file}: ${each["name"]}`);
    return {
      area,
      name: each["name"],
      steps,
      managedFields: each["managedFields"] === true,
      needsKubectl: steps.some(({ method }) => method === "KUBECTL"),
    };
  });
}

function readSteps(item: JsonObject, where: string): Step[] {
  if (Array.isArray(item["steps"])) return item["steps"].map((step: unknown) => readStep(step, where));
  const object = item["create"];
  if (!isObject(object)) throw new Error(`${where}: neither steps nor create`);
  const collection = collectionOf(object);
  const update = item["update"];
  const status = typeof item["status"] === "number" ? item["status"] : undefined;
  const query = typeof item["query"] === "string" ? `?${item["query"]}` : "";
  const create: Step = {
    method: "POST",
    target: collection + query,
    body: object,
    status: update === undefined ? (status ?? 201) : 201,
    ...(isObject(item["expect"]) && update === undefined ? { expect: item["expect"] } : {}),
    ...(update === undefined ? {} : { show: [] }),
  };
  if (update === undefined) return [create];
  const name = stringAt(object, "metadata", "name") ?? "";
  const patch: Step = {
    method: "PATCH",
    target: `${collection}/${name}${query}`,
    type: "merge",
    body: update,
    status: status ?? 200,
    ...(isObject(item["expect"]) ? { expect: item["expect"] } : {}),
  };
  return [create, patch];
}

function readStep(step: unknown, where: string): Step {
  if (!isObject(step)) throw new Error(`${where}: a step that is no mapping`);
  const method = methods.find((name) => typeof step[name] === "string");
  if (!method) throw new Error(`${where}: a step without a method`);
  const { during, ...rest } = step;
  return {
    ...(rest as unknown as Omit<Step, "method" | "target" | "during">),
    method,
    target: step[method] as string,
    ...(Array.isArray(during) ? { during: during.map((each: unknown) => readStep(each, where)) } : {}),
  };
}

const clusterScoped = new Set([
  "Namespace",
  "Node",
  "PersistentVolume",
  "ClusterRole",
  "ClusterRoleBinding",
  "StorageClass",
  "PriorityClass",
  "IngressClass",
  "CustomResourceDefinition",
  "RuntimeClass",
  "ValidatingWebhookConfiguration",
]);

/** The path that an object is created at. */
export function collectionOf(object: JsonObject): string {
  const apiVersion = stringAt(object, "apiVersion") ?? "";
  const kind = stringAt(object, "kind") ?? "";
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}${clusterScoped.has(kind) ? "" : "/namespaces/$NS"}/${pluralOf(kind)}`;
}

function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower === "endpoints") return lower;
  if (lower.endsWith("s")) return `${lower}es`;
  return lower.endsWith("y") ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}
