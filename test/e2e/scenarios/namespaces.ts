// Applications in other namespaces than the controller's: which count, which projects let them in, and that each part of
// the product calls them by namespace and name.
import { expect } from "vitest";
import type { JsonObject } from "#base/json.ts";
import type { Application } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import { driftless } from "../../support/cli.ts";
import { createApi } from "../../support/api.ts";
import {
  configMap,
  field,
  manifests,
  scenario,
  type AppHandle,
  type Scenario,
  type Stage,
} from "../../support/scenario.ts";

/** Given: Applications count in namespaces that begin with `apps-`, of which one is made for the scenario. */
async function counting(stage: Stage, suffix = ""): Promise<string> {
  await stage.kube.edit(
    "ConfigMap",
    { name: "argocd-cmd-params-cm", namespace: stage.up.namespace },
    { data: { "application.namespaces": "apps-*, /^teams-[0-9]+$/" } },
  );
  return stage.targetNamespace(`apps-${stage.name}${suffix}`);
}

async function project(stage: Stage, spec: JsonObject): Promise<void> {
  await stage.kube.create({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name: stage.name, namespace: stage.up.namespace },
    spec: { sourceRepos: ["*"], destinations: [{ server: "*", namespace: "*" }], ...spec },
  });
  stage.world.later(() => stage.kube.remove("AppProject", stage.name, stage.up.namespace));
}

interface Elsewhere {
  readonly namespace: string;
  readonly url: string;
  readonly name?: string;
  readonly spec?: JsonObject;
}

/** Takes where an Application stands; returns it as somebody writes it. */
function application(stage: Stage, { namespace, url, name = stage.name, spec = {} }: Elsewhere): Application {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name, namespace },
    spec: {
      project: stage.name,
      source: { repoURL: url, targetRevision: "main", path: "." },
      destination: { server: "https://kubernetes.default.svc", namespace: stage.namespace },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
      ...spec,
    },
  };
}

async function made(stage: Stage, elsewhere: Elsewhere): Promise<AppHandle> {
  await stage.targetNamespace();
  const app = application(stage, elsewhere);
  await stage.kube.create(app);
  return stage.existing(app.metadata.name!, elsewhere.namespace);
}

export const namespaces: readonly Scenario[] = [
  scenario("an application of another namespace is worked on and called by its namespace", async (stage) => {
    const namespace = await counting(stage);
    await project(stage, { sourceNamespaces: ["apps-*"] });
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a")) });

    const app = await made(stage, { namespace, url: repository.url });

    await app.synced();
    const full = `${namespace}/${stage.name}`;
    const live = await stage.live("ConfigMap", "a");
    expect(live.metadata.annotations?.["argocd.argoproj.io/tracking-id"]).toBe(
      `${namespace}_${stage.name}:/ConfigMap:${stage.namespace}/a`,
    );
    await stage.until(async () => {
      const events = await stage.kube.list("Event", namespace);
      expect(events.map((event) => field(event, "involvedObject", "name"))).toContain(stage.name);
    });
    const { api } = stage.up;
    const path = `/api/v1/applications/${stage.name}`;
    expect((await api.call("GET", path)).status).toBe(404);
    const got = await api.must<Application>("GET", `${path}?appNamespace=${namespace}&project=${stage.name}`);
    expect(got.metadata.namespace).toBe(namespace);
    expect(got.status?.controllerNamespace).toBe(stage.up.namespace);
    const tree = await api.must<JsonObject>("GET", `${path}/resource-tree?appNamespace=${namespace}`);
    expect(JSON.stringify(tree)).toContain('"kind":"ConfigMap"');
    const metrics = await stage.until(async () => {
      const text = (await api.must<string>("GET", "/metrics")).split("\n");
      const line = text.find((each) => each.startsWith("argocd_app_info{") && each.includes(`name="${stage.name}"`));
      if (!line) throw new Error("no metric yet");
      return line;
    });
    expect(metrics).toContain(`namespace="${namespace}"`);

    const listed = await driftless(stage.up, ["app", "list", "-N", namespace, "-o", "name"]);
    expect(listed.out.trim()).toBe(full);
    await repository.push({ "b.yaml": manifests(configMap("b")) });
    await stage.live("ConfigMap", "b");
    await stage.kube.edit(
      "Application",
      { name: stage.name, namespace },
      { spec: { syncPolicy: { automated: null } } },
    );
    await repository.push({ "b.yaml": null });
    await app.is({ sync: "OutOfSync" });
    const synced = await driftless(stage.up, ["app", "sync", full, "--prune"]);
    expect([synced.code, synced.err]).toEqual([0, ""]);
    await stage.gone("ConfigMap", "b");
    const history = await driftless(stage.up, ["app", "history", stage.name, "-N", namespace, "-o", "id"]);
    expect(history.out.trim().split("\n").length).toBeGreaterThan(1);
    const removed = await driftless(stage.up, ["app", "delete", full, "--yes", "--wait"]);
    expect([removed.code, removed.err]).toEqual([0, ""]);
    await stage.gone("ConfigMap", "a");
  }),

  scenario("who may see an application of another namespace is told by project, namespace and name", async (stage) => {
    const namespace = await counting(stage);
    const subject = `proj:${stage.name}:`;
    const may = (role: string, object: string): JsonObject => ({
      name: role,
      policies: [`p, ${subject}${role}, applications, get, ${stage.name}/${object}, allow`],
    });
    await project(stage, {
      sourceNamespaces: ["apps-*"],
      roles: [may("here", `${namespace}/*`), may("elsewhere", "apps-other/*"), may("anywhere", "*")],
    });
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a")) });
    const app = await made(stage, { namespace, url: repository.url });
    await app.synced();

    const seen = async (role: string): Promise<readonly unknown[]> => {
      const path = `/api/v1/projects/${stage.name}/roles/${role}/token`;
      const { token } = await stage.up.api.must<{ token: string }>("POST", path, {});
      const api = createApi(stage.up.url, { token });
      const list = await api.must<{ items: Application[] | null }>("GET", "/api/v1/applications");
      const one = await api.call("GET", `/api/v1/applications/${stage.name}?appNamespace=${namespace}`);
      return [(list.items ?? []).map(({ metadata }) => metadata.namespace), one.status];
    };

    expect(await seen("here")).toEqual([[namespace], 200]);
    expect(await seen("elsewhere")).toEqual([[], 403]);
    expect(await seen("anywhere")).toEqual([[namespace], 200]);
  }),

  scenario("an application of a namespace that does not count is not touched", async (stage) => {
    const namespace = await counting(stage);
    await project(stage, { sourceNamespaces: ["*"] });
    const outside = await stage.targetNamespace(`plain-${stage.name}`);
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a")) });
    const ignored = await made(stage, { namespace: outside, url: repository.url, name: `${stage.name}-out` });
    const counted = await made(stage, { namespace, url: repository.url });

    await counted.synced();

    expect((await ignored.get()).status).toBeUndefined();
    const { api } = stage.up;
    const query = `appNamespace=${outside}&project=${stage.name}`;
    expect((await api.call("GET", `/api/v1/applications/${ignored.name}?${query}`)).status).toBe(404);
    const body = application(stage, { namespace: outside, url: repository.url, name: `${stage.name}-new` });
    expect(await api.call("POST", "/api/v1/applications", body)).toMatchObject({
      status: 403,
      body: { message: `namespace is not permitted: '${outside}'` },
    });
    expect(await stage.kube.get("Application", `${stage.name}-new`, outside)).toBeUndefined();
  }),

  scenario("a project lets in applications of its source namespaces alone", async (stage) => {
    const namespace = await counting(stage);
    await project(stage, { sourceNamespaces: ["apps-somebody-else"] });
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a")) });
    const app = await made(stage, {
      namespace,
      url: repository.url,
      spec: { syncPolicy: { automated: { prune: true } } },
    });
    const own = { name: stage.name, namespace };
    await stage.kube.edit("Application", own, {
      metadata: { finalizers: ["resources-finalizer.argocd.argoproj.io"] },
    });

    await app.condition("InvalidSpecError", [
      `application '${stage.name}' in namespace '${namespace}' is not permitted to use project '${stage.name}'`,
    ]);

    expect(await stage.kube.get("ConfigMap", "a", stage.namespace)).toBeUndefined();
    const { api } = stage.up;
    const other = application(stage, { namespace, url: repository.url, name: `${stage.name}-new` });
    expect(await api.call("POST", "/api/v1/applications", other)).toMatchObject({
      status: 400,
      body: { message: `app is not allowed in project "${stage.name}", or the project does not exist` },
    });
    const sync = await api.call("POST", `/api/v1/applications/${stage.name}/sync`, { appNamespace: namespace });
    expect(sync.status).toBe(403);

    const edit = (sourceNamespaces: readonly string[]): Promise<unknown> =>
      stage.kube.edit(
        "AppProject",
        { name: stage.name, namespace: stage.up.namespace },
        { spec: { sourceNamespaces } },
      );
    await edit(["apps-*"]);
    await app.synced();
    await stage.live("ConfigMap", "a");

    // Shut out again, it may not even delete what it had brought.
    await edit([]);
    await app.condition("InvalidSpecError", ["is not permitted to use project"]);
    await stage.kube.remove("Application", stage.name, namespace);
    await app.until((_app, status) => {
      expect(JSON.stringify(status.conditions)).toContain("so that it may delete nothing");
    });
    await stage.live("ConfigMap", "a");
    await edit(["apps-*"]);
    await stage.kube.edit("Application", own, { metadata: { annotations: { [annotation.refresh]: "normal" } } });
    await stage.gone("ConfigMap", "a");
  }),

  scenario("an app of apps brings applications of other namespaces, which depend on each other", async (stage) => {
    const namespace = await counting(stage);
    await project(stage, { sourceNamespaces: ["apps-*"] });
    const content = await stage.repository({
      "first/a.yaml": manifests(configMap("a")),
      "second/b.yaml": manifests(configMap("b")),
    });
    const child = (name: string, path: string, annotations: JsonObject): JsonObject => {
      const app = application(stage, { namespace, url: content.url, name: `${stage.name}-${name}` });
      return {
        ...app,
        metadata: { ...app.metadata, annotations },
        spec: { ...app.spec, source: { ...app.spec.source!, path } },
      } as unknown as JsonObject;
    };
    const first = child("first", "first", {});
    const second = child("second", "second", { "driftless.dev/depends-on": `${stage.name}-first` });
    const parents = await stage.repository({ "apps.yaml": manifests(second as never, first as never) }, "parents");

    const parent = await stage.application({ repository: parents, automated: true });

    await parent.synced();
    await stage.existing(`${stage.name}-first`, namespace).synced();
    await stage.existing(`${stage.name}-second`, namespace).synced();
    await stage.live("ConfigMap", "b");
  }),
];
