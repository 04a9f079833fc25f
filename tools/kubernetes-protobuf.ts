// Makes src/sandbox/api/facts/protobuf.json: how the objects of the built-in API groups are written in protobuf, read
// from the Go types of k8s.io/api and k8s.io/apimachinery (their field tags). kubectl's typed commands send their
// bodies so. Run it by hand when the Kubernetes version changes:
//   node tools/kubernetes-protobuf.ts --api DIR --apimachinery DIR     (folders of the Go modules)
//
// Notation: types are { NAME: { NUMBER: [JSON name, CODE] } }; kinds { "group/version/Kind": NAME }. CODE is s string,
// i integer, b boolean, y bytes, d double, T Time, U MicroTime, D Duration, Q Quantity, I IntOrString, R RawExtension,
// F FieldsV1, `=NAME` a message; `[CODE` a list, `{CODE` a map with string keys; before it `~` (an embedded message,
// its fields are the parent's) or `?` (a pointer: its zero value means something).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const groups: Record<string, string> = {
  core: "",
  admissionregistration: "admissionregistration.k8s.io",
  authentication: "authentication.k8s.io",
  authorization: "authorization.k8s.io",
  certificates: "certificates.k8s.io",
  coordination: "coordination.k8s.io",
  discovery: "discovery.k8s.io",
  events: "events.k8s.io",
  networking: "networking.k8s.io",
  node: "node.k8s.io",
  rbac: "rbac.authorization.k8s.io",
  scheduling: "scheduling.k8s.io",
  storage: "storage.k8s.io",
  apps: "apps",
  autoscaling: "autoscaling",
  batch: "batch",
  policy: "policy",
};
const versions = ["v1", "v2"];

const scalars: Record<string, string> = {
  string: "s",
  bool: "b",
  int: "i",
  int32: "i",
  int64: "i",
  uint32: "i",
  uint64: "i",
  float64: "d",
  "[]byte": "y",
  "metav1.Time": "T",
  "metav1.MicroTime": "U",
  "metav1.Duration": "D",
  "resource.Quantity": "Q",
  "intstr.IntOrString": "I",
  "runtime.RawExtension": "R",
  "metav1.FieldsV1": "F",
  "types.UID": "s",
  "types.NodeName": "s",
};

interface Source {
  readonly prefix: string;
  readonly text: string;
  readonly aliases: Map<string, string>;
}

const { values } = parseArgs({ options: { api: { type: "string" }, apimachinery: { type: "string" } } });
if (values.api === undefined || values.apimachinery === undefined) throw new Error("--api DIR and --apimachinery DIR");
const api = values.api;

const sources: Source[] = [source("metav1", join(values.apimachinery, "pkg/apis/meta/v1"))];
const kindPrefixes: [prefix: string, group: string, version: string][] = [];
for (const [folder, group] of Object.entries(groups)) {
  for (const version of readdirSync(join(api, folder)).filter((name) => versions.includes(name))) {
    const prefix = `${folder}.${version}`;
    sources.push(source(prefix, join(api, folder, version)));
    kindPrefixes.push([prefix, group, version]);
  }
}

/** Reads a package's types; `aliases` are its imports by the prefix that we use. */
function source(prefix: string, folder: string): Source {
  const files = readdirSync(folder).filter(
    (name) => name === "types.go" || name === "meta.go" || name.endsWith("_types.go"),
  );
  const text = files.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  const aliases = new Map<string, string>();
  for (const [, alias, path] of text.matchAll(/^\s*(\w+)?\s*"(k8s\.io\/[^"]+)"/gm)) {
    const parts = path!.split("/");
    const name = alias ?? parts.at(-1)!;
    if (path!.endsWith("apis/meta/v1")) aliases.set(name, "metav1");
    else if (path!.includes("k8s.io/api/")) aliases.set(name, `${parts.at(-2)}.${parts.at(-1)}`);
    else aliases.set(name, parts.at(-1)!);
  }
  return { prefix, text, aliases };
}

/** Named types that are no structs: `type ResourceList map[ResourceName]resource.Quantity`. */
const named = new Map<string, string>();
const structs = new Map<string, { body: string; source: Source }>();
for (const each of sources) {
  for (const [, name, body] of each.text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    structs.set(`${each.prefix}.${name}`, { body: body!, source: each });
  }
  for (const [, name, type] of each.text.matchAll(/^type (\w+) (?!struct|interface)=?\s*([\w.[\]*]+)/gm)) {
    named.set(`${each.prefix}.${name}`, qualify(type!, each));
  }
}

function qualify(type: string, { prefix, aliases }: Source): string {
  return type.replaceAll(/(\w+\.)?(\w+)/g, (word: string, alias: string | undefined, name: string) => {
    if (alias !== undefined) return `${aliases.get(alias.slice(0, -1)) ?? alias.slice(0, -1)}.${name}`;
    return word in scalars || word === "map" || word === "byte" ? word : `${prefix}.${name}`;
  });
}

const types: Record<string, Record<string, [string, string]>> = {};

function codeOf(type: string): string {
  if (type in scalars) return scalars[type]!;
  if (type.startsWith("*")) return codeOf(type.slice(1));
  if (type.startsWith("[]")) return `[${codeOf(type.slice(2))}`;
  const map = /^map\[[^\]]+\](.*)$/.exec(type);
  if (map !== null) return `{${codeOf(map[1]!)}`;
  const other = named.get(type);
  // A named list is a message of its own in protobuf, with the items as field 1.
  if (other?.startsWith("[]") === true && !(other in scalars)) {
    types[type] ??= { 1: ["", codeOf(other)] };
    return `=${type}`;
  }
  if (other !== undefined) return codeOf(other);
  // Types of alpha versions: what holds them is left out.
  if (!structs.has(type)) return "-";
  add(type);
  return `=${type}`;
}

function add(name: string): void {
  if (types[name] !== undefined) return;
  const struct = structs.get(name);
  if (struct === undefined) throw new Error(`no type ${name}`);
  const fields: Record<string, [string, string]> = {};
  types[name] = fields;
  for (const line of struct.body.split("\n")) {
    const match = /^\s*(?:(\w+)\s+)?([\w.*[\]]+)\s+`(.*)`/.exec(line);
    const tag = match?.[3] === undefined ? null : /protobuf:"\w+,(\d+),/.exec(match[3]);
    if (match === null || tag === null) continue;
    const json = /json:"([^",]*)/.exec(match[3]!)?.[1] ?? "";
    const type = qualify(match[2]!, struct.source);
    const flag = json === "" ? "~" : type.startsWith("*") ? "?" : "";
    const code = codeOf(type);
    if (!code.endsWith("-")) fields[tag[1]!] = [json, flag + code];
  }
}

const kinds: Record<string, string> = {};
for (const [prefix, group, version] of kindPrefixes) {
  for (const [name, { body }] of structs) {
    const kind = name.slice(prefix.length + 1);
    if (!name.startsWith(`${prefix}.`) || !/metav1\.TypeMeta|\bTypeMeta\b/.test(body) || kind.endsWith("List"))
      continue;
    if (kind.endsWith("Options") || kind === "SerializedReference" || kind === "RangeAllocation") continue;
    add(name);
    kinds[`${group}/${version}/${kind}`] = name;
  }
}
add("metav1.DeleteOptions");
kinds["/v1/DeleteOptions"] = "metav1.DeleteOptions";

const file = join(import.meta.dirname, "../src/sandbox/api/facts/protobuf.json");
writeFileSync(file, `${JSON.stringify({ kinds, types })}\n`);
process.stdout.write(`${Object.keys(kinds).length} kinds, ${Object.keys(types).length} types\n`);
