// Makes src/sandbox/resources/facts/kubernetes.json: the resources and types of the built-in API groups, as a real
// kube-apiserver tells them by discovery and OpenAPI v3, without descriptions. Run it by hand when the Kubernetes
// version changes: node tools/kubernetes-facts.ts --kubeconfig FILE. It must not invent anything.
//
// Notation of a type: { f: fields, r: required, g: group-version-kinds, x: other keywords }, or { raw: schema }.
// Notation of a field: CODE, or { t: CODE, … } with d default, e enum, i the items' enum, k list map keys, l list type, m patch merge
// key, p patch strategy, a (1: atomic map), x other keywords. CODE is s string, i integer, n number, b boolean,
// o object without known fields, each with an optional `:format`; `=TYPE` another type (names without `io.k8s.`);
// `[CODE` a list; `{CODE` a map with string keys.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Agent, request } from "undici";
import { parse } from "yaml";

type Schema = Record<string, unknown>;

const groups = [
  "",
  "apps",
  "batch",
  "autoscaling",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "apiextensions.k8s.io",
  "admissionregistration.k8s.io",
  "certificates.k8s.io",
  "node.k8s.io",
  "apiregistration.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
];

const codes: Record<string, string> = { string: "s", integer: "i", number: "n", boolean: "b", object: "o" };
const prefix = "#/components/schemas/io.k8s.";

interface Kubeconfig {
  clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
  users: { user: { token: string } }[];
}

function reader(file: string): (path: string, accept?: string) => Promise<Schema> {
  const config = parse(readFileSync(file, "utf8")) as Kubeconfig;
  const cluster = config.clusters[0]!.cluster;
  const agent = new Agent({ connect: { ca: Buffer.from(cluster["certificate-authority-data"], "base64") } });
  return async (path, accept = "application/json") => {
    const answer = await request(cluster.server + path, {
      dispatcher: agent,
      headers: { authorization: `Bearer ${config.users[0]!.user.token}`, accept },
    });
    return (await answer.body.json()) as Schema;
  };
}

/** A $ref, alone or wrapped in a one-element allOf, as OpenAPI v3 writes it. */
function refOf(schema: Schema): string | undefined {
  const all = schema.allOf as Schema[] | undefined;
  const ref = (schema.$ref ?? (all?.length === 1 ? all[0]!.$ref : undefined)) as string | undefined;
  if (ref === undefined) return undefined;
  if (!ref.startsWith(prefix)) throw new Error(`unexpected reference ${ref}`);
  return ref.slice(prefix.length);
}

function codeOf(schema: Schema): string {
  const ref = refOf(schema);
  if (ref !== undefined) return `=${ref}`;
  if (schema.type === "array") return `[${codeOf(schema.items as Schema)}`;
  if (schema.type === "object" && schema.additionalProperties !== undefined) {
    return `{${codeOf(schema.additionalProperties as Schema)}`;
  }
  const code = codes[schema.type as string];
  if (code === undefined) throw new Error(`unexpected schema ${JSON.stringify(schema)}`);
  return schema.format === undefined ? code : `${code}:${schema.format as string}`;
}

const shortKeys: Record<string, string> = {
  default: "d",
  enum: "e",
  "x-kubernetes-list-map-keys": "k",
  "x-kubernetes-list-type": "l",
  "x-kubernetes-patch-merge-key": "m",
  "x-kubernetes-patch-strategy": "p",
};
const told = new Set(["type", "format", "items", "additionalProperties", "allOf", "$ref", "description"]);

function compactField(schema: Schema): unknown {
  const extra: Schema = {};
  const rest: Schema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (told.has(key)) continue;
    if (key === "x-kubernetes-map-type" && value === "atomic") extra.a = 1;
    else if (shortKeys[key] !== undefined) extra[shortKeys[key]] = value;
    else rest[key] = value;
  }
  if (Object.keys(rest).length > 0) extra.x = rest;
  const inner = (schema.items ?? schema.additionalProperties) as Schema | undefined;
  if (inner?.enum !== undefined) extra.i = inner.enum;
  const t = codeOf(schema);
  return Object.keys(extra).length === 0 ? t : { t, ...extra };
}

function compactType(schema: Schema): unknown {
  const properties = schema.properties as Record<string, Schema> | undefined;
  if (properties === undefined) {
    const { description: _, ...raw } = schema;
    return { raw };
  }
  const type: Schema = { f: {} };
  for (const [name, field] of Object.entries(properties)) (type.f as Schema)[name] = compactField(field);
  const rest: Schema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "required") type.r = value;
    else if (key === "x-kubernetes-group-version-kind") {
      const kinds = value as { group: string; version: string; kind: string }[];
      if (kinds.length === 1) type.g = kinds.map((kind) => [kind.group, kind.version, kind.kind]);
      else type.every = 1; // DeleteOptions, WatchEvent: of every group and version
    } else if (!["type", "properties", "description"].includes(key)) rest[key] = value;
  }
  if (Object.keys(rest).length > 0) type.x = rest;
  return type;
}

function typesUsed(value: unknown, found: (name: string) => void): void {
  if (Array.isArray(value)) for (const item of value) typesUsed(item, found);
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key === "$ref" && typeof item === "string" && item.startsWith(prefix)) found(item.slice(prefix.length));
      else typesUsed(item, found);
    }
  }
}

interface Discovered {
  resource: string;
  responseKind: { group: string; version: string; kind: string };
  scope: string;
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: {
    subresource: string;
    responseKind?: { group: string; version: string; kind: string };
    verbs: string[];
  }[];
}

function resourceFacts(group: string, version: string, found: Discovered): Schema {
  return {
    group,
    version,
    kind: found.responseKind.kind,
    plural: found.resource,
    singular: found.singularResource,
    ...(found.shortNames ? { shortNames: found.shortNames } : {}),
    ...(found.categories ? { categories: found.categories } : {}),
    namespaced: found.scope === "Namespaced",
    verbs: found.verbs.join(" "),
    ...(found.subresources
      ? { subresources: found.subresources.map((sub) => subresourceFacts(group, version, sub)) }
      : {}),
  };
}

function subresourceFacts(
  group: string,
  version: string,
  sub: NonNullable<Discovered["subresources"]>[number],
): (string | undefined)[] {
  const kind = sub.responseKind;
  const apiVersion = kind === undefined ? "" : `${kind.group || group}/${kind.version || version}`;
  return [sub.subresource, kind?.kind ?? "", apiVersion, sub.verbs.join(" ")];
}

/** Columns of `kubectl get`: [name, type, format, priority]. */
async function columnsOf(get: ReturnType<typeof reader>, path: string, verbs: readonly string[]): Promise<Schema> {
  if (!verbs.includes("list")) return {};
  const table = await get(path, "application/json;as=Table;g=meta.k8s.io;v=v1");
  const columns = table.columnDefinitions as { name: string; type: string; format: string; priority: number }[];
  return { columns: columns.map(({ name, type, format, priority }) => [name, type, format, priority]) };
}

/** One line for each resource and type, so that a new version's changes read well. */
function written(facts: { origin: string; resources: unknown[]; types: Record<string, unknown> }): string {
  const resources = facts.resources.map((item) => `  ${JSON.stringify(item)}`).join(",\n");
  const types = Object.keys(facts.types)
    .sort()
    .map((name) => `  ${JSON.stringify(name)}: ${JSON.stringify(facts.types[name])}`)
    .join(",\n");
  return `{\n "origin": ${JSON.stringify(facts.origin)},\n "resources": [\n${resources}\n ],\n "types": {\n${types}\n }\n}\n`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { kubeconfig: { type: "string" }, out: { type: "string" } } });
  if (values.kubeconfig === undefined) throw new Error("--kubeconfig FILE is needed");
  const get = reader(values.kubeconfig);
  const version = (await get("/version")) as { gitVersion: string };
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  type Listed = { items: { metadata: { name?: string }; versions: { version: string; resources: Discovered[] }[] }[] };
  const listed = [await get("/api", accept), await get("/apis", accept)].flatMap(
    (answer) => (answer as unknown as Listed).items,
  );
  const resources: unknown[] = [];
  const schemas: Record<string, Schema> = {};
  const wanted = new Set<string>();
  for (const group of groups) {
    const item = listed.find((candidate) => (candidate.metadata.name ?? "") === group);
    if (item === undefined) throw new Error(`the server has no group ${group}`);
    for (const { version, resources: found } of item.versions) {
      const path = group === "" ? `api/${version}` : `apis/${group}/${version}`;
      const document = (await get(`/openapi/v3/${path}`)) as { components: { schemas: Record<string, Schema> } };
      Object.assign(schemas, document.components.schemas);
      for (const resource of found) {
        const columns = await columnsOf(get, `/${path}/${resource.resource}`, resource.verbs);
        resources.push({ ...resourceFacts(group, version, resource), ...columns });
      }
    }
  }
  const follow = (name: string): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    typesUsed(schemas[`io.k8s.${name}`], follow);
  };
  for (const name of Object.keys(schemas)) follow(name.slice("io.k8s.".length));
  const types: Record<string, unknown> = {};
  for (const name of wanted) types[name] = compactType(schemas[`io.k8s.${name}`]!);
  const origin = `Kubernetes ${version.gitVersion} (discovery and OpenAPI v3), descriptions left out; made by tools/kubernetes-facts.ts, where the notation is explained`;
  const out = values.out ?? new URL("../src/sandbox/resources/facts/kubernetes.json", import.meta.url);
  writeFileSync(out, written({ origin, resources, types }));
  console.log(`${resources.length} resources, ${wanted.size} types`);
}

await main();
