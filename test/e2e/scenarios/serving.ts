// What the API says of operations, specs, repositories and ApplicationSets: which rollbacks are refused, what a source of
// each type can be told, what a stream of ApplicationSets sends.
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { JsonObject } from "#base/json.ts";
import { startHelmServer } from "#registry/testing/helm-server.ts";
import { startOciServer } from "#registry/testing/oci-server.ts";
import { configMap, field, manifests, scenario, type Scenario, type Stage } from "../../support/scenario.ts";

/** Given: a Secret that says how to get into a repository. */
async function configured(stage: Stage, suffix: string, data: Readonly<Record<string, string>>): Promise<void> {
  const name = `${stage.name}-${suffix}`;
  const labels = { "argocd.argoproj.io/secret-type": "repository" };
  const metadata = { name, namespace: stage.up.namespace, labels };
  await stage.kube.create({ apiVersion: "v1", kind: "Secret", metadata, stringData: data });
  stage.world.later(() => stage.kube.remove("Secret", name, stage.up.namespace));
}

const at = (url: string): string => `/api/v1/repositories/${encodeURIComponent(url)}`;

function applicationSet(name: string, path: string): JsonObject {
  return {
    metadata: { name },
    spec: {
      generators: [{ list: { elements: [] } }],
      template: {
        metadata: { name: "{{a}}" },
        spec: {
          project: "default",
          source: { repoURL: "https://example.com/a.git", path },
          destination: { server: "https://kubernetes.default.svc", namespace: "nowhere" },
        },
      },
    },
  };
}

export const serving: readonly Scenario[] = [
  scenario("rollbacks and syncs are refused where they make no sense", async (stage) => {
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a", { v: "1" }), configMap("extra")) });
    const app = await stage.application({ repository });
    const base = `/api/v1/applications/${app.name}`;
    const rollback = (body: object) => stage.up.api.call("POST", `${base}/rollback`, { name: app.name, ...body });
    await app.is({ sync: "OutOfSync" });
    expect((await stage.up.api.call("DELETE", `${base}/operation`)).status).toBe(400);
    expect((await rollback({ id: 0 })).status).not.toBe(200);
    await app.sync();
    await app.synced();
    await repository.push({ "a.yaml": manifests(configMap("a", { v: "2" })) });
    await app.is({ sync: "OutOfSync" });
    await app.sync({ prune: true });
    await stage.gone("ConfigMap", "extra");
    const second = (await app.until((_app, { history }) => expect(history).toHaveLength(2))).status!;
    const { id: first } = second.history![0]!;
    await app.until((_app, { operationState }) => expect(operationState?.phase).toBe("Succeeded"));

    expect(await rollback({ id: first, dryRun: true })).toMatchObject({ status: 200 });

    await app.until((_app, { operationState }) =>
      expect(operationState).toMatchObject({ phase: "Succeeded", operation: { sync: { dryRun: true } } }),
    );
    await stage.live("ConfigMap", "a", (object) => expect(object["data"]).toEqual({ v: "2" }));
    expect((await app.get()).status?.history).toHaveLength(2);
    const unknown = await rollback({ id: 4711 });
    expect([unknown.status, JSON.stringify(unknown.body)]).toEqual([404, expect.stringContaining("4711")]);
    await app.edit({ spec: { syncPolicy: { automated: {} } } });
    await app.synced();
    const automated = await rollback({ id: first });
    expect([automated.status, JSON.stringify(automated.body)]).toEqual([400, expect.stringContaining("auto-sync")]);
    const elsewhere = await stage.up.api.call("POST", `${base}/sync`, { revision: "topic" });
    expect([elsewhere.status, JSON.stringify(elsewhere.body)]).toEqual([400, expect.stringContaining("auto-sync")]);
    await app.edit({ spec: { syncPolicy: null } });
    await stage.until(async () => expect((await rollback({ id: first, prune: true })).status).toBe(200));
    await stage.live("ConfigMap", "a", (object) => expect(object["data"]).toEqual({ v: "1" }));
  }),

  scenario("a spec is replaced, validated, and answered as it is kept", async (stage) => {
    const repository = await stage.repository({
      "one/a.yaml": manifests(configMap("a")),
      "two/b.yaml": manifests(configMap("b")),
    });
    const app = await stage.application({ repository, path: "one" });
    await app.is({ sync: "OutOfSync" });
    const { spec } = await app.get();
    const path = `/api/v1/applications/${app.name}/spec`;
    const changed = { ...spec, source: { ...spec.source!, path: "two" } };

    expect(await stage.up.api.must("PUT", path, changed)).toEqual(changed);

    await app.until(({ status }) => expect(status?.resources?.map(({ name }) => name)).toEqual(["b"]));
    const refused = async (wanted: object, query = ""): Promise<readonly [number, string]> => {
      const { status, body } = await stage.up.api.call("PUT", `${path}${query}`, wanted);
      return [status, JSON.stringify(body)];
    };
    expect(await refused({ ...spec, source: { ...spec.source!, path: "three" } })).toEqual([
      400,
      expect.stringContaining("three"),
    ]);
    expect(await refused({ ...spec, project: "nobodys" })).toEqual([400, expect.stringContaining("nobodys")]);
    expect(await refused({ ...spec, destination: {} })).toEqual([400, expect.stringContaining("estination")]);
    expect(await refused({ ...spec, source: undefined })).toEqual([400, expect.stringContaining("source")]);
    expect((await app.get()).spec.source?.path).toBe("two");
    const unseen = { ...spec, source: { ...spec.source!, path: "three" } };
    expect(await stage.up.api.must("PUT", `${path}?validate=false`, unseen)).toEqual(unseen);
    await app.condition("ComparisonError", ["three"]);
  }),

  scenario("what a commit says of itself", async (stage) => {
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a")) });
    const app = await stage.application({ repository, automated: true });
    const { status } = await app.synced();
    const base = `/api/v1/applications/${app.name}/revisions`;

    const said = await stage.up.api.must<JsonObject>("GET", `${base}/${status!.sync!.revision}/metadata`);

    expect(said).toEqual({
      author: expect.stringMatching(/ <.*@.*>$/),
      date: expect.stringMatching(/^\d{4}-.*Z$/),
      message: "First",
    });
    expect((await stage.up.api.call("GET", `${base}/${"0".repeat(40)}/metadata`)).status).not.toBe(200);
    expect((await stage.up.api.call("GET", `${base}/1.0.0/chartdetails`)).status).toBe(400);
    expect((await stage.up.api.call("GET", `${base}/1.0.0/ocimetadata`)).status).toBe(400);
  }),

  scenario("what stands in a repository, of every type", async (stage) => {
    const repository = await stage.repository({
      "kustom/kustomization.yaml": "resources: [a.yaml]\n",
      "kustom/a.yaml":
        'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: "nginx:1"}]}\n',
      "jsonnet/main.jsonnet": "[]",
      "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n",
      "chart/values.yaml": "a: 1\n",
      "empty/README.md": "nothing",
    });
    await configured(stage, "git", { type: "git", url: repository.url });
    const helm = await startHelmServer();
    stage.world.later(() => helm.close());
    const chart = {
      "values.yaml": "color: red\nlist: [1, {deep: x}]\n",
      "templates/a.yaml": manifests(configMap("a")),
    };
    await helm.publish("web", "1.0.0", chart);
    await helm.publish("web", "1.1.0", chart);
    await helm.publish("db", "2.0.0", chart);
    await configured(stage, "helm", { type: "helm", url: helm.url, name: "charts-of-tests" });
    const oci = await startOciServer();
    stage.world.later(() => oci.close());
    const charts = `${oci.host}/charts`;
    await configured(stage, "charts", { type: "helm", url: charts, enableOCI: "true", insecureOCIForceHttp: "true" });
    await oci.pushChart("charts", "web", "3.0.0", chart);
    const plain = `oci://${oci.host}/team/config`;
    await configured(stage, "plain", { type: "oci", url: plain, insecureOCIForceHttp: "true" });
    await oci.pushFiles("team/config", "stable", { "a.yaml": manifests(configMap("a")) });
    await oci.pushFiles("team/config", "1.0.0", { "a.yaml": manifests(configMap("a")) });
    const details = (source: { repoURL: string }): Promise<JsonObject> =>
      stage.until(() =>
        stage.up.api.must("POST", `${at(source.repoURL)}/appdetails`, {
          source,
          appName: "new",
          appProject: "default",
        }),
      );
    const here = { repoURL: repository.url };
    const parameters = [
      { name: "color", value: "red" },
      { name: "list[0]", value: "1" },
      { name: "list[1].deep", value: "x" },
    ];

    expect(await details({ ...here, path: "kustom" } as never)).toEqual({
      type: "Kustomize",
      kustomize: { images: ["nginx:1"] },
    });
    expect(await details({ ...here, path: "jsonnet" } as never)).toEqual({ type: "Directory", directory: {} });
    expect(await details({ ...here, path: "empty" } as never)).toEqual({ type: "Directory", directory: {} });
    expect(await details({ ...here, path: "chart", helm: { releaseName: "r" } } as never)).toMatchObject({
      type: "Helm",
      helm: { name: "r", valueFiles: ["values.yaml"], values: "a: 1\n", parameters: [{ name: "a", value: "1" }] },
    });
    for (const source of [
      { repoURL: helm.url, chart: "web", targetRevision: "1.*" },
      { repoURL: charts, chart: "web", targetRevision: "3.0.0" },
    ])
      expect(await details(source)).toMatchObject({ type: "Helm", helm: { parameters } });
    expect(await details({ repoURL: plain, path: ".", targetRevision: "stable" } as never)).toEqual({
      type: "Directory",
      directory: {},
    });
    expect(await stage.up.api.must("GET", `${at(repository.url)}/apps?appName=new&appProject=default`)).toEqual({
      items: [
        { type: "Helm", path: "chart" },
        { type: "Kustomize", path: "kustom" },
      ],
    });
    expect(await stage.up.api.must("GET", `${at(repository.url)}/refs`)).toMatchObject({ branches: ["main"] });
    expect(await stage.up.api.must("GET", `${at(helm.url)}/helmcharts`)).toEqual({
      items: [
        { name: "db", versions: ["2.0.0"] },
        { name: "web", versions: ["1.0.0", "1.1.0"] },
      ],
    });
    const { tags = [] } = await stage.up.api.must<{ tags?: string[] }>("GET", `${at(plain)}/oci-tags`);
    expect([...tags].sort()).toEqual(["1.0.0", "stable"]);
    const plugin = { ...here, path: "empty", plugin: { name: stage.name, parameters: [] } };
    const file = join(stage.world.pluginCommands, `${stage.name}.yaml`);
    const announced = [{ name: "size", title: "Size", string: "big" }];
    const spec = { generate: { command: ["true"] }, parameters: { static: announced } };
    writeFileSync(file, JSON.stringify({ kind: "ConfigManagementPlugin", metadata: { name: stage.name }, spec }));
    stage.world.later(() => rmSync(file));
    expect(await details(plugin)).toMatchObject({ type: "Plugin", plugin: { parametersAnnouncement: announced } });
    const wrong = { source: { ...here, path: "nowhere" }, appName: "new", appProject: "default" };
    const { status, body } = await stage.up.api.call("POST", `${at(repository.url)}/appdetails`, wrong);
    expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining("nowhere: no such directory")]);
  }),

  scenario("a stream of ApplicationSets, their trees and events", async (stage) => {
    const base = "/api/v1/applicationsets";
    stage.world.later(() => stage.kube.remove("ApplicationSet", stage.name, stage.up.namespace));
    const ending = new AbortController();
    const response = await fetch(new URL(`/api/v1/stream/applicationsets?name=${stage.name}`, stage.up.url), {
      headers: { authorization: `Bearer ${await stage.up.api.token()}` },
      signal: ending.signal,
    });
    const seen: string[] = [];
    const reading = (async () => {
      let text = "";
      for await (const chunk of response.body!) {
        text += Buffer.from(chunk as Uint8Array).toString("utf8");
        const lines = text.split("\n");
        text = lines.pop()!;
        for (const line of lines.filter(Boolean)) {
          const { result } = JSON.parse(line) as { result: { type: string; applicationSet: JsonObject } };
          const path = field(result.applicationSet, "spec", "template", "spec", "source", "path");
          seen.push(`${result.type} ${path as string}`);
        }
      }
    })().catch(() => {});
    await stage.up.api.must("POST", base, applicationSet(stage.name, "one"));
    await stage.until(() => expect(seen).toEqual(["ADDED one"]));

    await stage.up.api.must("POST", `${base}?upsert=true`, applicationSet(stage.name, "two"));

    await stage.until(() => expect(seen).toEqual(["ADDED one", "MODIFIED two"]));
    const { items } = await stage.up.api.must<{ items: JsonObject[] }>("GET", `${base}?projects=default`);
    expect(items.map((item) => field(item, "metadata", "name"))).toContain(stage.name);
    expect(await stage.up.api.must("GET", `${base}?projects=nobodys`)).toMatchObject({ items: [] });
    const { metadata } = (await stage.kube.get("ApplicationSet", stage.name, stage.up.namespace))!;
    await stage.kube.create({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: stage.name, namespace: stage.up.namespace },
      involvedObject: { kind: "ApplicationSet", name: stage.name, namespace: stage.up.namespace, uid: metadata.uid! },
      reason: "Said",
      message: "so",
      type: "Normal",
    });
    expect(await stage.up.api.must("GET", `${base}/${stage.name}/events`)).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ reason: "Said" })]),
    });
    await stage.up.api.must("DELETE", `${base}/${stage.name}`);
    await stage.until(() => expect(seen).toEqual(["ADDED one", "MODIFIED two", "DELETED two"]));
    const generated = await stage.up.api.call("POST", `${base}/generate`, {
      applicationSet: applicationSet("x", "one"),
    });
    expect([generated.status, JSON.stringify(generated.body)]).toEqual([501, expect.stringContaining("generators")]);
    ending.abort();
    await reading;
  }),

  scenario("what notifications are configured is told by name", async (stage) => {
    const key = createHash("sha256").update(stage.name).digest("hex").slice(0, 6);
    const at = { name: "argocd-notifications-cm", namespace: stage.up.namespace };
    if (!(await stage.kube.get("ConfigMap", at.name, at.namespace)))
      await stage.kube.create({ apiVersion: "v1", kind: "ConfigMap", metadata: at });
    const data = {
      [`trigger.on-${key}`]: "[]",
      [`template.${key}`]: "message: hi",
      [`service.webhook.${key}`]: "url: x",
      context: "a: b",
    };
    stage.world.later(async () => {
      await stage.kube.edit("ConfigMap", at, {
        data: Object.fromEntries(Object.keys(data).map((name) => [name, null])),
      });
    });

    await stage.kube.edit("ConfigMap", at, { data });

    for (const [kind, name] of [
      ["triggers", `on-${key}`],
      ["templates", key],
      ["services", key],
    ] as const)
      await stage.until(async () =>
        expect(await stage.up.api.must("GET", `/api/v1/notifications/${kind}`)).toMatchObject({
          items: expect.arrayContaining([{ name }]),
        }),
      );
    expect(await stage.up.api.must("GET", "/api/v1/settings/plugins")).toBeTypeOf("object");
  }),
];
