// What projects permit, at each gate: the API refuses what they forbid; what is written past it is told by a condition; a
// project that is narrowed while a sync runs ends it before the next step; what was brought before is left alone.
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "#base/json.ts";
import type { AppProject, AppProjectSpec } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import { configMap, field, hookJob, manifests, scenario, type Scenario, type Stage } from "../../support/scenario.ts";

const everything: AppProjectSpec = {
  sourceRepos: ["*"],
  destinations: [{ server: "*", namespace: "*" }],
  clusterResourceWhitelist: [{ group: "*", kind: "*" }],
};

async function project(stage: Stage, spec: AppProjectSpec, name = stage.name, labels: Record<string, string> = {}) {
  await stage.kube.create({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name, namespace: stage.up.namespace, labels },
    spec,
  });
  stage.world.later(() => stage.kube.remove("AppProject", name, stage.up.namespace).catch(() => {}));
}

/** When: somebody changes the project with kubectl. */
const edit = (stage: Stage, spec: object): Promise<unknown> =>
  stage.kube.edit("AppProject", { name: stage.name, namespace: stage.up.namespace }, { spec });

interface Limit {
  readonly name: string;
  /** What takes the permission away from an application of everything. */
  readonly narrowed: (stage: Stage, url: string) => object;
  /** What the application brings besides a ConfigMap. */
  readonly object?: (stage: Stage) => KubernetesObject;
  /** What the API says to one who writes such an application; absent: it cannot know. */
  readonly refused?: string;
  readonly condition: string;
  readonly fails: RegExp;
}

const role = (stage: Stage): KubernetesObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name: `e2e-${stage.name}` },
  rules: [],
});
const quota = (): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "limit" },
  spec: { hard: { pods: "100" } },
});

const destination = "do not match any of the allowed destinations in project";
const limits: readonly Limit[] = [
  {
    name: "source repositories",
    narrowed: () => ({ sourceRepos: ["https://git.example.com/**"] }),
    refused: "is not permitted in project",
    condition: "application repo",
    fails: /application repo .* is not permitted in project/,
  },
  {
    name: "a denied source repository",
    narrowed: (_stage, url) => ({ sourceRepos: ["*", `!${url}`] }),
    refused: "is not permitted in project",
    condition: "application repo",
    fails: /application repo .* is not permitted in project/,
  },
  {
    name: "namespaces",
    narrowed: () => ({ destinations: [{ server: "*", namespace: "elsewhere-*" }] }),
    refused: destination,
    condition: destination,
    fails: new RegExp(destination),
  },
  {
    name: "a denied namespace",
    narrowed: (stage) => ({
      destinations: [
        { server: "*", namespace: "*" },
        { server: "*", namespace: `!${stage.namespace}` },
      ],
    }),
    refused: destination,
    condition: destination,
    fails: new RegExp(destination),
  },
  {
    name: "clusters by name",
    narrowed: () => ({ destinations: [{ name: "!in-cluster", namespace: "*" }] }),
    refused: destination,
    condition: destination,
    fails: new RegExp(destination),
  },
  {
    name: "clusters of its own alone",
    narrowed: () => ({ permitOnlyProjectScopedClusters: true }),
    refused: destination,
    condition: destination,
    fails: new RegExp(destination),
  },
  {
    name: "cluster-scoped kinds",
    object: role,
    narrowed: () => ({ clusterResourceWhitelist: [{ group: "", kind: "Namespace" }] }),
    condition: "resource rbac.authorization.k8s.io:ClusterRole is not permitted in project",
    fails: /ClusterRole is not permitted in project/,
  },
  {
    name: "objects of cluster-scoped kinds",
    object: role,
    narrowed: () => ({
      clusterResourceBlacklist: [{ group: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "e2e-*" }],
    }),
    condition: "resource rbac.authorization.k8s.io:ClusterRole is not permitted in project",
    fails: /ClusterRole is not permitted in project/,
  },
  {
    name: "namespaced kinds",
    object: quota,
    narrowed: () => ({ namespaceResourceBlacklist: [{ group: "", kind: "ResourceQuota" }] }),
    condition: "resource :ResourceQuota is not permitted in project",
    fails: /ResourceQuota is not permitted in project/,
  },
  {
    name: "namespaced kinds to named ones",
    object: quota,
    narrowed: () => ({
      namespaceResourceWhitelist: [
        { group: "", kind: "ConfigMap" },
        { group: "batch", kind: "Job" },
      ],
    }),
    condition: "resource :ResourceQuota is not permitted in project",
    fails: /ResourceQuota is not permitted in project/,
  },
];

/** The application as somebody writes it by the API. */
function wanted(stage: Stage, url: string, spec: object = {}): JsonObject {
  return {
    metadata: { name: `${stage.name}-new` },
    spec: {
      project: stage.name,
      source: { repoURL: url, targetRevision: "main", path: "." },
      destination: { server: "https://kubernetes.default.svc", namespace: stage.namespace },
      ...spec,
    },
  };
}

function ofLimit({ name, narrowed, object, refused, condition, fails }: Limit): Scenario {
  return scenario(`limits of ${name} hold at each gate`, async (stage) => {
    // Longer than the scenario needs to narrow the project.
    const slow = hookJob("slow", { hook: "PreSync", runFor: "2s", deletePolicy: "BeforeHookCreation" });
    const limited = object?.(stage) ?? configMap("limited");
    if (limited.kind === "ClusterRole")
      stage.world.later(() => stage.kube.remove("ClusterRole", limited.metadata.name!).catch(() => {}));
    const repository = await stage.repository({
      "a.yaml": manifests(configMap("a")),
      "slow.yaml": manifests(slow),
      "limited.yaml": manifests(limited),
    });
    await project(stage, everything);
    const app = await stage.application({ repository, project: stage.name });
    await app.is({ sync: "OutOfSync" });
    const liveLimited = (): Promise<KubernetesObject | undefined> =>
      stage.kube.get(
        limited.kind,
        limited.metadata.name!,
        limited.kind === "ClusterRole" ? undefined : stage.namespace,
      );

    // Between plan and apply.
    await app.sync();
    await stage.live("Job", "slow");
    await edit(stage, narrowed(stage, repository.url));

    await app.until((_app, { operationState }) => {
      expect(operationState?.phase).toMatch(/Failed|Error/);
      const said = [
        operationState?.message,
        ...(operationState?.syncResult?.resources ?? []).map((each) => each.message),
      ];
      expect(said.join("\n")).toMatch(fails);
    });
    expect(await liveLimited()).toBeUndefined();

    // Written with kubectl, or narrowed afterwards: told, and not synced.
    await app.condition("InvalidSpecError", [condition]);
    const { api } = stage.up;
    const sync = await api.call("POST", `/api/v1/applications/${app.name}/sync`, {});
    expect(sync.status).toBe(refused === undefined ? 200 : 403);
    await app.until((_app, { operationState }) => expect(operationState?.phase).not.toBe("Running"));
    expect(await liveLimited()).toBeUndefined();

    // By the API.
    const created = await api.call("POST", "/api/v1/applications", wanted(stage, repository.url));
    expect([created.status, JSON.stringify(created.body)]).toEqual(
      refused === undefined ? [200, expect.anything()] : [400, expect.stringContaining(refused)],
    );
    if (refused === undefined) await api.must("DELETE", `/api/v1/applications/${stage.name}-new?cascade=false`);
    else {
      const unchecked = await api.call("POST", "/api/v1/applications?validate=false", wanted(stage, repository.url));
      expect(unchecked.status).toBe(400);
    }

    // Brought while it was permitted, then narrowed: it stays, whatever Git says, and the application knows it no more.
    await edit(stage, {
      ...everything,
      namespaceResourceWhitelist: null,
      namespaceResourceBlacklist: null,
      clusterResourceBlacklist: null,
      permitOnlyProjectScopedClusters: null,
    });
    await app.until((_app, { conditions }) =>
      expect(conditions ?? []).not.toContainEqual(expect.objectContaining({ type: "InvalidSpecError" })),
    );
    await app.sync();
    await app.synced();
    await edit(stage, narrowed(stage, repository.url));
    await repository.push({ "limited.yaml": null });
    if (refused === undefined) {
      await app.until((_app, { sync: now, resources }) => {
        expect(now?.status).toBe("Synced");
        expect(resources?.map(({ kind }) => kind)).not.toContain(limited.kind);
      });
      await app.sync({ prune: true });
      await app.is({ phase: "Succeeded" });
    } else await app.condition("InvalidSpecError", [condition]);
    expect(await liveLimited()).toBeDefined();
  });
}

export const projects: readonly Scenario[] = [
  ...limits.map(ofLimit),

  scenario("a rollback brings no source that its project permits no more", async (stage) => {
    const old = await stage.repository({ "a.yaml": manifests(configMap("a", { from: "old" })) }, "old");
    const now = await stage.repository({ "a.yaml": manifests(configMap("a", { from: "new" })) }, "new");
    await project(stage, everything);
    const app = await stage.application({ repository: old, project: stage.name });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    await app.synced();
    await app.edit({ spec: { source: { repoURL: now.url } } });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    await app.synced();
    await edit(stage, { sourceRepos: [now.url] });

    await stage.until(async () => {
      const answer = await stage.up.api.call("POST", `/api/v1/applications/${app.name}/rollback`, { id: 0 });
      expect([answer.status, JSON.stringify(answer.body)]).toEqual([403, expect.stringContaining(old.url)]);
    });
    const { status } = await app.get();
    const source = status?.history?.[0]?.source;
    await app.edit({ operation: { sync: { revision: status?.history?.[0]?.revision, source } } });

    await app.until((_app, { operationState }) => {
      expect(operationState?.phase).toBe("Error");
      expect(operationState?.message).toContain(`application repo ${old.url} is not permitted in project`);
    });
    expect((await stage.live("ConfigMap", "a"))["data"]).toEqual({ from: "new" });
  }),

  scenario("sources that are set by the API are those that the project permits", async (stage) => {
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a")) });
    await project(stage, { ...everything, sourceRepos: [repository.url] });
    const app = await stage.application({ repository, project: stage.name });
    await app.is({ sync: "OutOfSync" });
    const { api } = stage.up;
    const path = `/api/v1/applications/${app.name}`;
    const elsewhere = { repoURL: "https://git.example.com/elsewhere", targetRevision: "main", path: "." };
    const { spec, metadata } = await app.get();
    const answers = await Promise.all([
      api.call("PUT", `${path}/spec`, { ...spec, source: elsewhere }),
      api.call("PUT", `${path}/spec?validate=false`, { ...spec, source: elsewhere }),
      api.call("PUT", path, { metadata, spec: { ...spec, sources: [spec.source, elsewhere], source: undefined } }),
      api.call("PATCH", path, { patchType: "merge", patch: JSON.stringify({ spec: { source: elsewhere } }) }),
      api.call("PATCH", path, { patchType: "merge", patch: JSON.stringify({ spec: { project: "nobody-made-it" } }) }),
      api.call("POST", `/api/v1/applications?upsert=true`, {
        metadata: { name: app.name },
        spec: { ...spec, source: elsewhere },
      }),
    ]);

    const words = "application repo https://git.example.com/elsewhere is not permitted in project";
    const messages = answers.map(({ status, body }) => [status, (body as { message: string }).message] as const);
    for (const [index, [status, message]] of messages.entries()) {
      expect([index, status]).toEqual([index, 400]);
      expect(message).toContain(index === 4 ? "app is not allowed in project" : words);
    }
    expect((await app.get()).spec.source?.repoURL).toBe(repository.url);
  }),

  scenario("a project is not narrowed by the API below what its applications use", async (stage) => {
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a")) });
    await project(stage, everything);
    const app = await stage.application({ repository, project: stage.name });
    await app.is({ sync: "OutOfSync" });
    const change = (spec: AppProjectSpec): Promise<{ status: number; body: unknown }> =>
      stage.up.api.call("PUT", `/api/v1/projects/${stage.name}`, { project: { metadata: { name: stage.name }, spec } });

    const both = await change({ sourceRepos: ["https://git.example.com/*"], destinations: [] });

    expect(both).toMatchObject({
      status: 400,
      body: {
        message: `as a result of project update 1 applications source became invalid and 1 applications destination became invalid: ${app.name}`,
      },
    });
    expect((await change({ ...everything, sourceRepos: [repository.url] })).status).toBe(200);
    const unusable = await change({ ...everything, roles: [{ name: "a" }, { name: "a" }] });
    expect(unusable).toMatchObject({ status: 400, body: { message: "spec.roles[1].name: role 'a' already exists" } });
    const gone = await stage.up.api.call("DELETE", `/api/v1/projects/${stage.name}`);
    expect(JSON.stringify(gone.body)).toContain("project is referenced by 1 applications");
  }),

  scenario("a project with a finalizer goes when its last application is gone", async (stage) => {
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a")) });
    await project(stage, everything);
    const app = await stage.application({ repository, project: stage.name });
    await app.is({ sync: "OutOfSync" });
    const own = { name: stage.name, namespace: stage.up.namespace };
    await stage.kube.edit("AppProject", own, { metadata: { finalizers: ["resources-finalizer.argocd.argoproj.io"] } });
    await stage.kube.remove("AppProject", own.name, own.namespace);
    await app.refresh();
    await stage.live("AppProject", own.name, ({ metadata }) => expect(metadata.deletionTimestamp).toBeDefined(), own);

    await app.remove();

    await stage.gone("AppProject", own.name, own.namespace);
  }),

  scenario("a global project's limits hold for the projects that it selects", async (stage) => {
    await project(stage, { namespaceResourceBlacklist: [{ group: "", kind: "ResourceQuota" }] }, `${stage.name}-base`);
    await stage.kube.edit(
      "ConfigMap",
      { name: "argocd-cm", namespace: stage.up.namespace },
      {
        data: {
          globalProjects: `- projectName: ${stage.name}-base\n  labelSelector: {matchLabels: {e2e: ${stage.name}}}\n`,
        },
      },
    );
    await project(stage, everything, stage.name, { e2e: stage.name });
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a"), quota()) });
    const app = await stage.application({ repository, project: stage.name });
    await app.condition("InvalidSpecError", ["resource :ResourceQuota is not permitted in project"]);

    await stage.kube.edit(
      "AppProject",
      { name: `${stage.name}-base`, namespace: stage.up.namespace },
      { spec: { namespaceResourceBlacklist: [{ group: "", kind: "LimitRange" }] } },
    );

    await app.until((_app, { conditions }) => expect(conditions ?? []).toEqual([]));
    await app.sync();
    await app.synced();

    // A page that shows both writes back what is the project's own alone.
    const { api } = stage.up;
    const path = `/api/v1/projects/${stage.name}`;
    const { project: merged } = await api.must<{ project: AppProject }>("GET", `${path}/detailed`);
    expect(merged.spec.namespaceResourceBlacklist).toEqual([{ group: "", kind: "LimitRange" }]);
    await api.must("PUT", path, { project: { ...merged, spec: { ...merged.spec, description: "seen" } } });
    const own = await stage.live("AppProject", stage.name, () => {}, { namespace: stage.up.namespace });
    expect(own["spec"]).toMatchObject({ ...everything, description: "seen" });
    expect(field(own, "spec", "namespaceResourceBlacklist") ?? []).toEqual([]);
  }),

  scenario("repositories and clusters that belong to a project are permitted in it alone", async (stage) => {
    const repository = await stage.repository({ "a.yaml": manifests(configMap("a")) });
    const { server, config } = otherWay(stage);
    const secret = (name: string, type: string, data: Record<string, string>): KubernetesObject => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: `${stage.name}-${name}`,
        namespace: stage.up.namespace,
        labels: { "argocd.argoproj.io/secret-type": type },
      },
      data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
    });
    await project(stage, { permitOnlyProjectScopedClusters: true });
    await project(stage, {}, `${stage.name}-other`);
    const target = { server, namespace: stage.namespace };
    const app = await stage.application({ repository, project: stage.name, spec: { destination: target } });
    await app.condition("InvalidSpecError", [`application repo ${repository.url} is not permitted`]);

    await stage.kube.create(secret("repo", "repository", { url: repository.url, type: "git", project: stage.name }));
    await app.condition("InvalidSpecError", [/there is no cluster with server/]);
    const cluster = secret("cluster", "cluster", { server, name: stage.name, config, project: stage.name });
    await stage.kube.create(cluster);
    stage.world.later(() => stage.kube.remove("Secret", cluster.metadata.name!, stage.up.namespace));

    await app.is({ sync: "OutOfSync" }, { withinMs: 30_000 });
    await app.sync();
    await app.synced();
    const stranger = await stage.application({
      repository,
      suffix: "stranger",
      project: `${stage.name}-other`,
      spec: { destination: target },
    });
    await stranger.condition("InvalidSpecError", [`application repo ${repository.url} is not permitted`]);
    const detailed = await stage.up.api.must<JsonObject>("GET", `/api/v1/projects/${stage.name}/detailed`);
    expect([field(detailed, "repositories"), field(detailed, "clusters")].map((each) => (each as []).length)).toEqual([
      1, 1,
    ]);

    // Taken from the project, neither is any more.
    await stage.kube.remove("Secret", `${stage.name}-repo`, stage.up.namespace);
    await app.condition("InvalidSpecError", [`application repo ${repository.url} is not permitted`]);
    await app.remove();
    await stranger.remove();
  }),

  scenario("the state of windows is told although one of them cannot be made out", async (stage) => {
    const open = { kind: "deny", schedule: "* * * * *", duration: "1h", applications: ["nobody-*"] };
    await project(stage, {
      ...everything,
      syncWindows: [
        { ...open, schedule: "whenever" },
        open,
        { ...open, kind: "sometimes" },
        { ...open, timeZone: "Mars/Olympus" },
      ],
    });

    const state = await stage.up.api.must<{ windows: JsonObject[] }>(
      "GET",
      `/api/v1/projects/${stage.name}/syncwindows`,
    );

    expect(state.windows).toMatchObject([open]);
  }),
];

/** The cluster's other address, as its kubeconfig has it, and what lets one in there: for it is the same cluster. */
function otherWay(stage: Stage): { readonly server: string; readonly config: string } {
  const kubeconfig = parse(readFileSync(stage.kube.kubeconfig, "utf8")) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: Record<string, string> }[];
  };
  const [{ cluster }, { user }] = [kubeconfig.clusters[0]!, kubeconfig.users[0]!];
  const text = (source: Record<string, string>, name: string): string | undefined =>
    source[`${name}-data`] ?? (source[name] === undefined ? undefined : readFileSync(source[name]).toString("base64"));
  const tlsClientConfig = {
    caData: text(cluster, "certificate-authority"),
    certData: text(user, "client-certificate"),
    keyData: text(user, "client-key"),
  };
  return {
    server: cluster["server"]!.replace(/\/+$/, ""),
    config: JSON.stringify({ ...(user["token"] ? { bearerToken: user["token"] } : {}), tlsClientConfig }),
  };
}
