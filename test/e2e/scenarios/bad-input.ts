// What a person may get wrong: each shows one condition that names what and where, nothing is pruned, and another
// application of the same repository goes on.
import { expect } from "vitest";
import type { JsonObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Files, Repository } from "../../support/repository.ts";
import { configMap, manifests, scenario, type AppHandle, type Scenario, type Stage } from "../../support/scenario.ts";

interface Mistake {
  readonly name: string;
  /** What the mistake is: files pushed, or a change of the application's spec. */
  files?(stage: Stage): Files;
  spec?(stage: Stage): JsonObject;
  /** Made before, such as a project. */
  given?(stage: Stage): Promise<void>;
  readonly condition: string;
  says(stage: Stage, repository: Repository): readonly (string | RegExp)[];
  /** Only a warning: the application syncs all the same. */
  readonly harmless?: true;
  /** What the last operation says, where one was tried. */
  readonly operation?: RegExp;
}

const invalidService = (): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { ports: [{ port: 123456 }] },
});

const mistakes: readonly Mistake[] = [
  {
    name: "an unknown revision",
    spec: () => ({ source: { targetRevision: "no-such-branch" } }),
    condition: "ComparisonError",
    says: (_stage, { url }) => ["no-such-branch", url],
  },
  {
    name: "an unreachable repository",
    spec: () => ({ source: { repoURL: "http://127.0.0.1:9/nowhere.git" } }),
    condition: "ComparisonError",
    says: () => ["http://127.0.0.1:9/nowhere.git"],
  },
  {
    name: "a repository that does not exist",
    spec: (stage) => ({ source: { repoURL: new URL("/not-there.git", stage.up.cloneUrl).href } }),
    condition: "ComparisonError",
    says: () => ["not-there.git"],
  },
  {
    name: "a missing path",
    spec: () => ({ source: { path: "no/such/folder" } }),
    condition: "ComparisonError",
    says: () => ["no/such/folder"],
  },
  {
    name: "malformed YAML",
    files: () => ({ "bad/broken.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  labels: {a: b\n" }),
    condition: "ComparisonError",
    says: () => [/bad\/broken\.yaml:\d+/],
  },
  {
    name: "a manifest without a name",
    files: () => ({
      "bad/nameless.yaml": "# Nobody can tell what it is.\napiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
    }),
    condition: "ComparisonError",
    says: () => [/bad\/nameless\.yaml:\d/, "name"],
  },
  {
    name: "an unknown kind",
    files: () => ({ "bad/gizmo.yaml": "apiVersion: example.com/v1\nkind: Gizmo\nmetadata:\n  name: first\n" }),
    condition: "ComparisonError",
    says: () => ["bad/gizmo.yaml:1", "Gizmo", "first"],
    operation: /Gizmo/,
  },
  {
    name: "an object that the API server rejects",
    files: () => ({ "bad/service.yaml": manifests(invalidService()) }),
    condition: "SyncError",
    says: () => [/Service/, "web", "must be between 1 and 65535"],
    operation: /web/,
  },
  {
    name: "a namespace that does not exist",
    spec: (stage) => ({ destination: { namespace: `${stage.namespace}-nowhere` } }),
    condition: "SyncError",
    says: (stage) => [`${stage.namespace}-nowhere`, "not found"],
    operation: /not found/,
  },
  {
    name: "a source that the project forbids",
    given: (stage) => project(stage, { sourceRepos: ["https://git.example.com/*"] }),
    spec: (stage) => ({ project: stage.name }),
    condition: "InvalidSpecError",
    says: (stage, { url }) => [url, stage.name],
  },
  {
    name: "a destination that the project forbids",
    given: (stage) => project(stage, { destinations: [{ server: "*", namespace: "elsewhere" }] }),
    spec: (stage) => ({ project: stage.name }),
    condition: "InvalidSpecError",
    says: (stage) => [stage.namespace, stage.name],
  },
  {
    name: "a kind that the project forbids",
    given: (stage) => project(stage, { namespaceResourceBlacklist: [{ group: "", kind: "Secret" }] }),
    spec: (stage) => ({ project: stage.name }),
    files: () => ({ "bad/secret.yaml": manifests({ apiVersion: "v1", kind: "Secret", metadata: { name: "token" } }) }),
    condition: "InvalidSpecError",
    says: (stage) => ["bad/secret.yaml:1", "Secret", "token", stage.name],
    operation: /Secret/,
  },
  {
    name: "a cluster object in a project without any",
    given: (stage) => project(stage, { clusterResourceWhitelist: [] }),
    spec: (stage) => ({ project: stage.name }),
    files: (stage) => ({
      "bad/role.yaml": manifests({
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: stage.name },
        rules: [],
      }),
    }),
    condition: "InvalidSpecError",
    says: (stage) => ["bad/role.yaml:1", "ClusterRole", stage.name],
    operation: /ClusterRole/,
  },
  {
    name: "a project that does not exist",
    spec: () => ({ project: "nobody-made-it" }),
    condition: "InvalidSpecError",
    says: () => ["nobody-made-it"],
  },
  {
    name: "an unknown cluster",
    spec: () => ({ destination: { server: "https://10.1.2.3:6443" } }),
    condition: "InvalidSpecError",
    says: () => ["https://10.1.2.3:6443"],
  },
  {
    name: "a cluster name that nobody has",
    spec: () => ({ destination: { server: null, name: "edge-7" } }),
    condition: "InvalidSpecError",
    says: () => ["edge-7"],
  },
  {
    name: "the same object twice",
    files: () => ({
      "bad/twin.yaml": manifests(configMap("twin", { from: "twin.yaml" })),
      "bad/twin-again.yaml": manifests(configMap("twin", { from: "twin-again.yaml" })),
    }),
    condition: "RepeatedResourceWarning",
    says: () => ["ConfigMap", "twin", "bad/twin.yaml:1", "bad/twin-again.yaml:1"],
    harmless: true,
  },
];

async function project(stage: Stage, spec: JsonObject): Promise<void> {
  await stage.kube.create({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name: stage.name, namespace: stage.up.namespace },
    spec: {
      sourceRepos: ["*"],
      destinations: [{ server: "*", namespace: "*" }],
      clusterResourceWhitelist: [{ group: "*", kind: "*" }],
      ...spec,
    },
  });
}

async function twoApplications(stage: Stage, repository: Repository): Promise<{ bad: AppHandle; good: AppHandle }> {
  const [bad, good] = await Promise.all([
    stage.application({ suffix: "bad", repository, path: "bad", automated: true }),
    stage.application({
      suffix: "good",
      repository,
      path: "good",
      automated: true,
      namespace: await stage.targetNamespace(`${stage.namespace}-good`),
    }),
  ]);
  await Promise.all([bad.synced(), good.synced()]);
  return { bad, good };
}

function scenarioOf(mistake: Mistake): Scenario {
  const says = mistake.harmless ? "is a warning" : "shows one condition, prunes nothing, harms nobody else";
  return scenario(`${mistake.name} ${says}`, async (stage) => {
    const repository = await stage.repository({
      "bad/before.yaml": manifests(configMap("before")),
      "bad/kept.yaml": manifests(configMap("kept")),
      "good/settings.yaml": manifests(configMap("settings", { color: "blue" })),
    });
    await mistake.given?.(stage);
    const { bad, good } = await twoApplications(stage, repository);
    const before = await stage.live("ConfigMap", "before");

    // One file less comes with the mistake: it would be pruned if the rest were in order.
    const files = mistake.files?.(stage);
    if (mistake.spec) await bad.edit({ spec: mistake.spec(stage) });
    if (files) await repository.push({ ...files, ...(mistake.harmless ? {} : { "bad/before.yaml": null }) });

    const { status } = await bad.condition(mistake.condition, mistake.says(stage, repository));
    if (mistake.operation) expect(status?.operationState?.message).toMatch(mistake.operation);
    if (mistake.harmless) await bad.synced();
    await repository.push({ "good/settings.yaml": manifests(configMap("settings", { color: "green" })) });
    await stage.live("ConfigMap", "settings", (object) => expect(object["data"]).toEqual({ color: "green" }), {
      namespace: `${stage.namespace}-good`,
    });
    const { status: fine } = await good.synced();
    expect(fine?.conditions ?? []).toEqual([]);
    const after = await stage.kube.get("ConfigMap", "before", stage.namespace);
    expect(after?.metadata.uid).toBe(before.metadata.uid);
    expect(after?.metadata.deletionTimestamp).toBeUndefined();
    await bad.condition(mistake.condition, mistake.says(stage, repository));
  });
}

export const badInput: readonly Scenario[] = mistakes.map(scenarioOf);
