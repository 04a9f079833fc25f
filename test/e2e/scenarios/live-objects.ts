// What the API does to live objects and asks of them and of repositories: logs, patches, deletions, links, differences by
// the API server, ApplicationSets, certificates; and who may.
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import {
  configMap,
  deployment,
  field,
  manifests,
  scenario,
  type Scenario,
  type Stage,
} from "../../support/scenario.ts";

interface LogMessage {
  readonly result: { readonly content: string; readonly podName: string; readonly last: boolean };
}

/** The lines of a stream until it ends, as a client that is no browser reads them. */
async function lines(stage: Stage, path: string): Promise<readonly LogMessage["result"][]> {
  const headers = { authorization: `Bearer ${await stage.up.api.token()}` };
  const response = await fetch(new URL(path, stage.up.url), { headers, signal: AbortSignal.timeout(20_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  const written = text.split("\n").filter((line) => line !== "");
  return written.map((line) => (JSON.parse(line) as LogMessage).result);
}

/** The status of a call with a token that is not the administrator's. */
async function as(stage: Stage, token: string, method: string, path: string, body?: unknown): Promise<number> {
  const response = await fetch(new URL(path, stage.up.url), {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  await response.text();
  return response.status;
}

/** A project of the scenario's own with one role; returns the role's token. */
async function projectWithRole(
  stage: Stage,
  policies: readonly string[],
  sourceRepos: readonly string[] = ["*"],
): Promise<string> {
  const { name } = stage;
  const subject = `proj:${name}:some`;
  const project = {
    metadata: { name },
    spec: {
      sourceRepos,
      destinations: [{ server: "*", namespace: "*" }],
      clusterResourceWhitelist: [{ group: "*", kind: "*" }],
      roles: [
        {
          name: "some",
          policies: policies.map((policy) => `p, ${subject}, ${policy.replace("OWN", `${name}/*`)}, allow`),
        },
      ],
    },
  };
  await stage.up.api.must("POST", "/api/v1/projects", { project });
  stage.world.later(() => stage.kube.remove("AppProject", name, stage.up.namespace));
  const made = await stage.up.api.must<{ token: string }>("POST", `/api/v1/projects/${name}/roles/some/token`, {});
  return made.token;
}

export const liveObjects: readonly Scenario[] = [
  scenario(
    "logs of all pods of an object, and which lines are wanted",
    async (stage) => {
      const repository = await stage.repository({ "web.yaml": manifests(deployment("web", { replicas: 2 })) });
      const app = await stage.application({ repository, automated: true });
      await app.is({ sync: "Synced", health: "Healthy" });
      const logs = `/api/v1/applications/${app.name}/logs`;

      const all = await lines(stage, `${logs}?group=apps&kind=Deployment&resourceName=web`);

      expect(all.at(-1)).toMatchObject({ last: true, content: "" });
      expect(new Set(all.slice(0, -1).map(({ podName }) => podName)).size).toBe(2);
      const ready = (await lines(stage, `${logs}?filter=!READY`)).map(({ content }) => content);
      expect(ready.length).toBe(3);
      expect(ready.join("\n")).toMatch(/started/);
      expect((await lines(stage, `${logs}?filter=READY&matchCase=true`)).length).toBe(1);
      expect((await lines(stage, `${logs}?tailLines=1`)).length).toBe(3);
      expect((await lines(stage, `${logs}?untilTime=2020-01-01T00:00:00Z`)).length).toBe(1);
      const one = all[0]!.podName;
      expect(
        new Set((await lines(stage, `/api/v1/applications/${app.name}/pods/${one}/logs`)).map((l) => l.podName)),
      ).toEqual(new Set([one, ""]));
      expect((await stage.up.api.call("GET", `${logs}?untilTime=noon`)).status).toBe(400);
      expect((await lines(stage, `${logs}?sinceTime=2099-01-01T00:00:00Z`)).length).toBe(1);
      expect((await lines(stage, `${logs}?podName=${one}&container=main&tailLines=1`)).length).toBe(2);
      const wrong = await lines(stage, `${logs}?podName=${one}&container=nobody`);
      expect(wrong[0]!.content).toContain("nobody");
      expect((await lines(stage, `${logs}?filter=READY`)).length).toBeGreaterThan(1);
    },
    { kubernetes: "no kubelet, no logs" },
  ),

  scenario("a live object is patched and deleted by whoever may", async (stage) => {
    const token = await projectWithRole(stage, [
      "applications, get, OWN",
      "applications, update, OWN",
      "applications, update//ConfigMap/*/allowed, OWN",
      "applications, delete//ConfigMap/*/allowed, OWN",
    ]);
    const repository = await stage.repository({
      "a.yaml": manifests(configMap("allowed", { a: "git" }), configMap("other")),
    });
    const app = await stage.application({
      repository,
      automated: { prune: false, selfHeal: false },
      project: stage.name,
    });
    await app.synced();
    const path = (name: string, more = ""): string =>
      `/api/v1/applications/${app.name}/resource?version=v1&kind=ConfigMap&namespace=${stage.namespace}&resourceName=${name}${more}`;
    const merge = "&patchType=application%2Fmerge-patch%2Bjson";
    const patch = JSON.stringify({ data: { a: "hand" } });

    expect(await as(stage, token, "POST", path("allowed", merge), patch)).toBe(200);

    await stage.live("ConfigMap", "allowed", (object) => expect(field(object, "data", "a")).toBe("hand"));
    await app.is({ sync: "OutOfSync" });
    // To change the application is not to change its objects.
    expect(await as(stage, token, "POST", path("other", merge), patch)).toBe(403);
    expect(await as(stage, token, "DELETE", path("other"))).toBe(403);
    expect(await as(stage, token, "GET", `/api/v1/applications/${app.name}/logs`)).toBe(403);
    const jsonPatch = JSON.stringify([{ op: "replace", path: "/data/a", value: "git" }]);
    await stage.up.api.must("POST", path("allowed", "&patchType=json"), jsonPatch);
    await app.synced();
    expect((await stage.up.api.call("POST", path("allowed", "&patchType=odd"), patch)).status).toBe(400);
    expect((await stage.up.api.call("POST", path("nobody", merge), patch)).status).toBe(404);
    expect(await as(stage, token, "DELETE", path("allowed"))).toBe(200);
    await stage.gone("ConfigMap", "allowed");
    await app.is({ sync: "OutOfSync" });
  }),

  scenario("the API server says what it would make of manifests", async (stage) => {
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
      stringData: { password: "canary-old" },
    };
    const repository = await stage.repository({ "a.yaml": manifests(configMap("mine", { a: "b" }), secret) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    await stage.kube.create({
      ...configMap("foreign", { c: "d" }),
      metadata: { name: "foreign", namespace: stage.namespace },
    });
    const ask = (...objects: readonly object[]) => {
      const query = new URLSearchParams(
        objects.map((object): [string, string] => ["targetManifests", JSON.stringify(object)]),
      );
      return stage.up.api.call("GET", `/api/v1/applications/${app.name}/server-side-diff?${query.toString()}`);
    };

    const { status, body } = await ask(configMap("mine", { a: "other" }), configMap("new"), {
      ...secret,
      stringData: { password: "canary-new" },
    });

    expect(status, JSON.stringify(body)).toBe(200);
    const { items, modified } = body as { items: readonly Record<string, string>[]; modified: boolean };
    expect(modified).toBe(true);
    expect(new Set(items.map(({ name }) => name))).toEqual(new Set(["mine", "new", "s"]));
    const mine = items.find(({ name }) => name === "mine")!;
    expect(JSON.parse(mine["targetState"]!)).toMatchObject({ data: { a: "other" } });
    expect(JSON.parse(mine["liveState"]!)).toMatchObject({ data: { a: "b" } });
    expect(JSON.stringify(body)).not.toContain("canary");
    const same = (await ask(configMap("mine", { a: "b" }))).body as { modified?: boolean };
    expect(same.modified ?? false).toBe(false);
    expect((await ask(configMap("foreign", { c: "other" }))).status).toBe(404);
    await stage.live("ConfigMap", "mine", (object) => expect(field(object, "data", "a")).toBe("b"));
    expect(await stage.kube.get("ConfigMap", "new", stage.namespace)).toBe(undefined);
  }),

  scenario("what stands in a repository is told to whoever may make the application", async (stage) => {
    const token = await projectWithRole(stage, ["applications, create, OWN"], ["https://elsewhere.example.com/*"]);
    const repository = await stage.repository({
      "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n",
      "chart/values.yaml": "image:\n  tag: '1'\nports: [80]\n",
      "chart/values-prod.yaml": "image:\n  tag: '2'\n",
      "plain/a.yaml": manifests(configMap("a")),
    });
    const base = `/api/v1/repositories/${encodeURIComponent(repository.url)}`;
    const details = (path: string, project: string): object => ({
      source: { repoURL: repository.url, path, helm: { valueFiles: ["values-prod.yaml"] } },
      appName: "new",
      appProject: project,
    });

    const apps = await stage.up.api.must("GET", `${base}/apps?appName=new&appProject=default`);

    expect(apps).toEqual({ items: [{ type: "Helm", path: "chart" }] });
    const chart = await stage.up.api.must<object>("POST", `${base}/appdetails`, details("chart", "default"));
    expect(chart).toMatchObject({
      type: "Helm",
      helm: {
        valueFiles: ["values-prod.yaml", "values.yaml"],
        parameters: [
          { name: "image.tag", value: "2" },
          { name: "ports[0]", value: "80" },
        ],
      },
    });
    const plain = { ...details("plain", "default"), source: { repoURL: repository.url, path: "plain" } };
    expect(await stage.up.api.must("POST", `${base}/appdetails`, plain)).toEqual({ type: "Directory", directory: {} });
    expect((await stage.up.api.call("POST", `${base}/appdetails`, details("../etc", "default"))).status).toBe(400);
    expect(await as(stage, token, "POST", `${base}/appdetails`, details("chart", stage.name))).toBe(403);
    const refused = await stage.up.api.call("POST", `${base}/appdetails`, details("chart", stage.name));
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      403,
      expect.stringContaining("not permitted in project"),
    ]);
  }),

  scenario("ApplicationSets are made, changed and removed", async (stage) => {
    const set = (path: string): object => ({
      metadata: { name: stage.name },
      spec: {
        generators: [{ list: { elements: [{ a: "b" }] } }],
        template: {
          metadata: { name: "{{a}}" },
          spec: {
            project: "default",
            source: { repoURL: "https://example.com/a.git", path },
            destination: { server: "https://kubernetes.default.svc", namespace: stage.namespace },
          },
        },
      },
    });
    const base = "/api/v1/applicationsets";
    stage.world.later(() => stage.kube.remove("ApplicationSet", stage.name, stage.up.namespace));

    await stage.up.api.must("POST", base, set("one"));

    expect(await stage.up.api.must("GET", `${base}/${stage.name}`)).toMatchObject({ metadata: { name: stage.name } });
    expect((await stage.up.api.call("POST", base, set("two"))).status).toBe(409);
    expect(await stage.up.api.must("POST", `${base}?upsert=true`, set("two"))).toMatchObject({
      spec: { template: { spec: { source: { path: "two" } } } },
    });
    expect((await stage.up.api.call("POST", `${base}?dryRun=true`, set("two"))).status).toBe(501);
    expect(await stage.up.api.must("GET", `${base}/${stage.name}/resource-tree`)).toEqual({ nodes: [] });
    await stage.up.api.must("DELETE", `${base}/${stage.name}`);
    await stage.until(async () => expect((await stage.up.api.call("GET", `${base}/${stage.name}`)).status).toBe(404));
  }),

  scenario("certificates of a repository's server are kept and listed", async (stage) => {
    const serverName = `${stage.name}.example.com`;
    const pem = readFileSync(new URL("../fixtures/certificate.pem", import.meta.url));
    const wanted = { items: [{ serverName, certType: "https", certData: pem.toString("base64") }] };
    const own = `/api/v1/certificates?hostNamePattern=${serverName}`;

    await stage.up.api.must("POST", "/api/v1/certificates", wanted);

    expect(await stage.up.api.must("GET", own)).toMatchObject({
      items: [{ serverName, certType: "https", certSubType: "ecdsa", certInfo: expect.stringContaining("CN=git") }],
    });
    const kept = await stage.kube.get("ConfigMap", "argocd-tls-certs-cm", stage.up.namespace);
    expect(field(kept!, "data", serverName)).toBe(pem.toString("utf8"));
    await stage.up.api.must("DELETE", own);
    expect(await stage.up.api.must("GET", own)).toEqual({ metadata: {}, items: [] });
  }),
];
