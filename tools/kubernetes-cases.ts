// Asks a real API server what it makes of the cases in src/sandbox/resources/cases/*.yaml and writes its answers
// beside them (*.expected.json). Run by hand: node tools/kubernetes-cases.ts --kubeconfig FILE. Creates what a case
// patches, in a namespace of its own, and removes it again; everything else is a dry run.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Agent, request } from "undici";
import { parse } from "yaml";
import { applicationCrds } from "../src/model/crds.ts";

interface Case {
  /** A CustomResourceDefinition that is created before its objects are asked for. */
  readonly crd?: Fields;
  readonly name: string;
  readonly create: Fields;
  readonly patch?: Fields;
}
type Fields = Record<string, unknown>;
interface Answer {
  readonly status: number;
  readonly body: Fields;
}
interface Kubeconfig {
  clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
  users: { user: { token: string } }[];
}

const folder = new URL("../src/sandbox/resources/cases/", import.meta.url);
const factsFile = new URL("../src/sandbox/resources/facts/kubernetes.json", import.meta.url);
type Resource = { group: string; version: string; kind: string; plural: string; namespaced: boolean };
const resources: Resource[] = (JSON.parse(readFileSync(factsFile, "utf8")) as { resources: Resource[] }).resources;
const namespace = "cases";

function pathOf(object: Fields): string {
  const [version, group = ""] = String(object.apiVersion).split("/").reverse();
  const found = resources.find((item) => item.group === group && item.version === version && item.kind === object.kind);
  if (found === undefined) throw new Error(`no resource ${String(object.apiVersion)} ${String(object.kind)}`);
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${found.namespaced ? `/namespaces/${namespace}` : ""}/${found.plural}`;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";
type Call = (method: Method, path: string, body?: unknown, accept?: string) => Promise<Answer>;
const tableType = "application/json;as=Table;g=meta.k8s.io;v=v1";

function caller(file: string): Call {
  const config = parse(readFileSync(file, "utf8")) as Kubeconfig;
  const cluster = config.clusters[0]!.cluster;
  const agent = new Agent({ connect: { ca: Buffer.from(cluster["certificate-authority-data"], "base64") } });
  return async (method, path, body, accept = "application/json") => {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const answer = await request(cluster.server + path, {
      dispatcher: agent,
      method,
      headers: { authorization: `Bearer ${config.users[0]!.user.token}`, "content-type": type, accept },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: text.startsWith("{") ? (JSON.parse(text) as Fields) : {} };
  };
}

/** The object without what differs at every create, or the error's status and message. */
function kept(answer: Answer): unknown {
  if (answer.status >= 300) {
    const { reason, message, code, details } = answer.body as { details?: { causes?: unknown } } & Fields;
    return { error: { code, reason, message, causes: details?.causes } };
  }
  const uid = (answer.body.metadata as Fields).uid as string;
  const body = JSON.parse(JSON.stringify(answer.body).replaceAll(uid, "UID")) as Fields;
  const metadata = { ...(body.metadata as Fields) };
  for (const key of ["uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace"]) delete metadata[key];
  return { object: { ...body, metadata } };
}

async function define(call: Call, crd: Fields): Promise<void> {
  const path = pathOf(crd);
  const { name } = crd.metadata as { name: string };
  const created = await call("POST", path, crd);
  if (created.status >= 300 && created.status !== 409) throw new Error(`${name}: ${String(created.body.message)}`);
  const { group, scope, names, versions } = crd.spec as {
    group: string;
    scope: string;
    names: { kind: string; plural: string };
    versions: { name: string }[];
  };
  for (const { name: version } of versions) {
    resources.push({ group, version, kind: names.kind, plural: names.plural, namespaced: scope === "Namespaced" });
    const served = `/apis/${group}/${version}/${names.plural}`;
    for (let tries = 0; tries < 100 && (await call("GET", served)).status !== 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function ask(call: Call, item: Case): Promise<unknown> {
  const path = pathOf(item.create);
  const metadata = item.create.metadata as Fields;
  if (item.patch === undefined) {
    const answer = await call("POST", `${path}?dryRun=All`, item.create);
    if (answer.status >= 300) return kept(answer);
    const table = await call("POST", `${path}?dryRun=All`, item.create, tableType);
    const [row] = table.body.rows as { cells: unknown[] }[];
    return { ...(kept(answer) as Fields), cells: row?.cells };
  }
  const created = await call("POST", path, item.create);
  if (created.status >= 300) throw new Error(`${item.name}: ${String(created.body.message)}`);
  const one = `${path}/${String(metadata.name)}`;
  const patched = await call("PATCH", `${one}?dryRun=All`, item.patch);
  await call("DELETE", `${one}?gracePeriodSeconds=0`);
  for (let tries = 0; tries < 200; tries++) {
    if ((await call("GET", one)).status === 404) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { created: kept(created), ...(kept(patched) as Fields) };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { kubeconfig: { type: "string" } }, allowPositionals: true });
  if (values.kubeconfig === undefined) throw new Error("--kubeconfig FILE is needed");
  const call = caller(values.kubeconfig);
  await call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  for (let tries = 0; tries < 100; tries++) {
    if ((await call("GET", `/api/v1/namespaces/${namespace}/serviceaccounts/default`)).status === 200) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const name of positionals.length > 0 ? positionals : ["defaults", "refusals", "custom"]) {
    const cases = parse(readFileSync(new URL(`${name}.yaml`, folder), "utf8")) as Case[];
    const lines: string[] = [];
    if (name === "custom") for (const crd of applicationCrds()) await define(call, crd);
    for (const item of cases) {
      if (item.crd !== undefined) {
        await define(call, item.crd);
        continue;
      }
      const answer = await ask(call, item);
      const refused = "error" in (answer as Fields);
      const wrong = name === "refusals" ? !refused : name === "defaults" && refused;
      if (wrong) console.log(`unexpected: ${item.name}: ${JSON.stringify(answer).slice(0, 300)}`);
      lines.push(` ${JSON.stringify(item.name)}: ${JSON.stringify(answer)}`);
    }
    if (new Set(cases.map((item) => item.name)).size !== cases.length) throw new Error("two cases of one name");
    writeFileSync(new URL(`${name}.expected.json`, folder), `{\n${lines.join(",\n")}\n}\n`);
    console.log(`${name}: ${cases.length} cases`);
  }
}

await main();
