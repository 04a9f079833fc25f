// Charts of Helm repositories and OCI registries, OCI artifacts, and the dependencies of charts, from servers on loopback.
import { expect } from "vitest";
import type { Application, ApplicationSource } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import { startHelmServer, type HelmServer, type HelmServerOptions } from "#registry/testing/helm-server.ts";
import { startOciServer, type OciServer, type OciServerOptions } from "#registry/testing/oci-server.ts";
import { configMap, manifests, scenario, type AppHandle, type Scenario, type Stage } from "../../support/scenario.ts";

const login = { username: "ada", password: "a-password-of-tests" };

async function helmRepository(stage: Stage, options?: HelmServerOptions): Promise<HelmServer> {
  const server = await startHelmServer(options);
  stage.world.later(() => server.close());
  return server;
}

async function ociRegistry(stage: Stage, options?: OciServerOptions): Promise<OciServer> {
  const server = await startOciServer(options);
  stage.world.later(() => server.close());
  return server;
}

/** Given: a Secret that says how to get into a repository. */
async function configured(stage: Stage, suffix: string, data: Readonly<Record<string, string>>): Promise<void> {
  const name = `${stage.name}-${suffix}`;
  const labels = { "argocd.argoproj.io/secret-type": "repository" };
  const metadata = { name, namespace: stage.up.namespace, labels };
  await stage.kube.create({ apiVersion: "v1", kind: "Secret", metadata, stringData: data });
  stage.world.later(async () => {
    await stage.kube.remove("Secret", name, stage.up.namespace);
  });
}

function chartApplication(stage: Stage, source: ApplicationSource, automated = true): Promise<AppHandle> {
  return stage.application({ automated, spec: { source } });
}

const template = (name: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "${name}" }\ndata:\n  chart: "{{ .Chart.Name }} {{ .Chart.Version }}"\n  color: "{{ .Values.color }}"\n`;
const says = (chart: string, color: string) => (object: KubernetesObject) =>
  expect(object["data"]).toEqual({ chart, color });
const revisionsOf = (app: Application): unknown => [
  app.status?.sync?.revision,
  app.status?.operationState?.syncResult?.revision,
  app.status?.sourceType,
];

export const registries: readonly Scenario[] = [
  scenario("a range of a chart moves to a new version", async (stage) => {
    const server = await helmRepository(stage);
    const files = { "values.yaml": "color: default\n", "templates/a.yaml": template("web") };
    await server.publish("web", "1.0.0", files);
    await server.publish("web", "2.0.0", files);
    const app = await chartApplication(stage, {
      repoURL: server.url,
      chart: "web",
      targetRevision: "^1.0",
      helm: { valuesObject: { color: "red" } },
    });
    await app.synced();
    await stage.live("ConfigMap", "web", says("web 1.0.0", "red"));
    expect(revisionsOf(await app.get())).toEqual(["1.0.0", "1.0.0", "Helm"]);
    expect(await stage.up.api.must("GET", `/api/v1/applications/${app.name}/revisions/1.0.0/chartdetails`)).toEqual({
      description: "The web of tests",
      home: "https://example.com/web",
      maintainers: ["Ada <ada@example.com>"],
    });

    await server.publish("web", "1.1.0", files);
    await app.refresh();

    await stage.live("ConfigMap", "web", says("web 1.1.0", "red"));
    await app.is({ sync: "Synced", revision: "1.1.0" });
  }),

  scenario("a chart of an OCI registry with a login", async (stage) => {
    const server = await ociRegistry(stage, { login });
    await server.pushChart("charts", "web", "1.0.0", {
      "values.yaml": "color: blue\n",
      "templates/a.yaml": template("web"),
    });
    const app = await chartApplication(stage, {
      repoURL: `${server.host}/charts`,
      chart: "web",
      targetRevision: "1.0.0",
    });
    await app.condition("ComparisonError", [server.host]);

    await configured(stage, "repo", {
      type: "helm",
      url: `${server.host}/charts`,
      enableOCI: "true",
      insecureOCIForceHttp: "true",
      ...login,
    });
    await app.refresh("hard");

    await app.synced();
    await stage.live("ConfigMap", "web", says("web 1.0.0", "blue"));
    expect(revisionsOf(await app.get())).toEqual(["1.0.0", "1.0.0", "Helm"]);
  }),

  scenario("an OCI artifact of manifests follows its tag", async (stage) => {
    const server = await ociRegistry(stage);
    await configured(stage, "repo", {
      type: "oci",
      url: `oci://${server.host}/team/config`,
      insecureOCIForceHttp: "true",
    });
    const files = (color: string): Record<string, string> => ({
      "base/settings.yaml": manifests(configMap("settings", { color })),
      "base/kustomization.yaml": "resources: [settings.yaml]\nnamePrefix: my-\n",
    });
    const first = await server.pushFiles("team/config", "stable", files("red"));
    const app = await chartApplication(stage, {
      repoURL: `oci://${server.host}/team/config`,
      path: "base",
      targetRevision: "stable",
    });
    await app.synced();
    expect(revisionsOf(await app.get())).toEqual([first, first, "Kustomize"]);
    const metadata = `/api/v1/applications/${app.name}/revisions/${first}/ocimetadata`;
    expect(await stage.up.api.must("GET", metadata)).toMatchObject({
      description: "Settings of tests",
      version: "stable",
    });

    const second = await server.pushFiles("team/config", "stable", files("green"));
    await app.refresh();

    await stage.live("ConfigMap", "my-settings", (object) => expect(object["data"]).toEqual({ color: "green" }));
    await app.is({ sync: "Synced", revision: second });
  }),

  scenario("an umbrella chart in Git with dependencies of a repository and a registry", async (stage) => {
    const [helm, oci] = [await helmRepository(stage, { login }), await ociRegistry(stage)];
    await configured(stage, "helm", { type: "helm", name: stage.name, url: helm.url, ...login });
    await configured(stage, "oci", {
      type: "helm",
      enableOCI: "true",
      url: `${oci.host}/charts`,
      insecureOCIForceHttp: "true",
    });
    await helm.publish("web", "1.0.0", { "values.yaml": "color: none\n", "templates/a.yaml": template("web") });
    await oci.pushChart("charts", "db", "3.1.0", {
      "values.yaml": "color: none\n",
      "templates/a.yaml": template("db"),
    });
    const repository = await stage.repository({
      "Chart.yaml": `apiVersion: v2\nname: umbrella\nversion: 0.1.0\ndependencies:\n- { name: web, version: "*", repository: "@${stage.name}" }\n- { name: db, version: ^3.0.0, repository: "oci://${oci.host}/charts", condition: db.enabled }\n`,
      "values.yaml": "web: { color: red }\ndb: { enabled: true, color: blue }\n",
      "templates/own.yaml": manifests(configMap("own")),
    });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    await stage.live("ConfigMap", "web", says("web 1.0.0", "red"));
    await stage.live("ConfigMap", "db", says("db 3.1.0", "blue"));

    await repository.push({ "values.yaml": "web: { color: green }\ndb: { enabled: false }\n" });

    await stage.gone("ConfigMap", "db");
    await stage.live("ConfigMap", "web", says("web 1.0.0", "green"));
    await stage.live("ConfigMap", "own");

    await helm.publish("web", "1.1.0", { "values.yaml": "color: none\n", "templates/a.yaml": template("web") });
    await app.refresh();

    await stage.live("ConfigMap", "web", says("web 1.1.0", "green"));
  }),

  scenario("a dependency that the project does not permit is told", async (stage) => {
    const helm = await helmRepository(stage);
    await helm.publish("web", "1.0.0", { "templates/a.yaml": template("web") });
    const repository = await stage.repository({
      "Chart.yaml": `apiVersion: v2\nname: umbrella\nversion: 0.1.0\ndependencies:\n- { name: web, version: "*", repository: "${helm.url}" }\n`,
    });
    const metadata = { name: stage.name, namespace: stage.up.namespace };
    const destinations = [{ server: "*", namespace: "*" }];
    await stage.kube.create({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "AppProject",
      metadata,
      spec: { sourceRepos: [repository.url], destinations },
    });
    stage.world.later(() => stage.kube.remove("AppProject", stage.name, stage.up.namespace));

    const app = await stage.application({ repository, project: stage.name });

    await app.condition("InvalidSpecError", ["Chart.yaml", `web of ${helm.url}`, "does not permit", "sourceRepos"]);
    expect(helm.requests).toEqual([]);
  }),

  scenario("a chart with values of another source, back to an older version and its history", async (stage) => {
    const server = await helmRepository(stage);
    for (const version of ["1.0.0", "1.1.0"])
      await server.publish("web", version, { "values.yaml": "color: none\n", "templates/a.yaml": template("web") });
    const repository = await stage.repository({ "envs/prod.yaml": "color: red\n" });
    const sources = (targetRevision: string): ApplicationSource[] => [
      { repoURL: server.url, chart: "web", targetRevision, helm: { valueFiles: ["$values/envs/prod.yaml"] } },
      { repoURL: repository.url, targetRevision: "main", ref: "values" },
    ];
    const app = await stage.application({
      automated: true,
      spec: { source: undefined, sources: sources("1.1.0") },
    });
    await app.synced();
    await stage.live("ConfigMap", "web", says("web 1.1.0", "red"));

    await repository.push({ "envs/prod.yaml": "color: green\n" });

    await stage.live("ConfigMap", "web", says("web 1.1.0", "green"));
    await app.edit({ spec: { sources: sources("1.0.0") } });
    await stage.live("ConfigMap", "web", says("web 1.0.0", "green"));
  }),

  scenario("a chart is synced by hand to another version than it follows", async (stage) => {
    const server = await helmRepository(stage);
    for (const version of ["1.0.0", "1.1.0"])
      await server.publish("web", version, { "values.yaml": "color: red\n", "templates/a.yaml": template("web") });
    const app = await chartApplication(stage, { repoURL: server.url, chart: "web", targetRevision: "*" }, false);
    await app.is({ sync: "OutOfSync", revision: "1.1.0" });

    await app.sync({ revision: "1.0.0" });

    await stage.live("ConfigMap", "web", says("web 1.0.0", "red"));
    await app.is({ sync: "OutOfSync", revision: "1.1.0", phase: "Succeeded" });
    const { syncResult } = (await app.get()).status?.operationState ?? {};
    expect(syncResult?.revision).toBe("1.0.0");
    await app.sync();
    await app.synced();
    const history = (await app.get()).status?.history?.map(({ revision }) => revision);
    expect(history).toEqual(["1.0.0", "1.1.0"]);
  }),

  scenario("a chart, version or server that is not there is told, and others go on", async (stage) => {
    const server = await helmRepository(stage);
    for (const version of ["1.0.0", "1.2.0"])
      await server.publish("web", version, { "values.yaml": "color: red\n", "templates/a.yaml": template("web") });
    const bad = async (
      suffix: string,
      source: ApplicationSource,
      parts: readonly (string | RegExp)[],
    ): Promise<void> => {
      const app = await stage.application({ suffix, spec: { source } });
      await app.condition("ComparisonError", parts);
    };
    await bad("version", { repoURL: server.url, chart: "web", targetRevision: "9.9.9" }, [
      'no version "9.9.9"',
      "1.2.0, 1.0.0",
    ]);
    await bad("range", { repoURL: server.url, chart: "web", targetRevision: ">=5" }, [
      'no version ">=5"',
      "1.2.0, 1.0.0",
    ]);
    await bad("chart", { repoURL: server.url, chart: "wbe", targetRevision: "1.0.0" }, ["has no chart wbe", "web"]);
    await bad("server", { repoURL: "http://127.0.0.1:1", chart: "web", targetRevision: "1.0.0" }, [
      "127.0.0.1:1",
      "ECONNREFUSED",
    ]);
    const hanging = await helmRepository(stage);
    hanging.answer("hang");
    await stage.application({
      suffix: "hanging",
      spec: { source: { repoURL: hanging.url, chart: "web", targetRevision: "*" } },
    });

    const app = await stage.application({
      suffix: "good",
      automated: true,
      spec: { source: { repoURL: server.url, chart: "web", targetRevision: "1.x" } },
    });

    await app.synced();
    await stage.live("ConfigMap", "web", says("web 1.2.0", "red"));
  }),
];
