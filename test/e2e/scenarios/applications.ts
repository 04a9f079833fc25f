// Applications as objects: those that make others, and what their deletion takes with it.
import { expect } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { steadily } from "../../support/eventually.ts";
import {
  configMap,
  deployment,
  manifests,
  scenario,
  type AppHandle,
  type Scenario,
  type Stage,
} from "../../support/scenario.ts";

const cascading = "resources-finalizer.argocd.argoproj.io";

async function child(
  stage: Stage,
  url: string,
  name: string,
  finalizers: readonly string[],
): Promise<KubernetesObject> {
  const namespace = await stage.targetNamespace(`${stage.namespace}-${name}`);
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: `${stage.name}-${name}`, namespace: stage.up.namespace, finalizers: [...finalizers] },
    spec: {
      project: "default",
      source: { repoURL: url, targetRevision: "main", path: `services/${name}` },
      destination: { server: "https://kubernetes.default.svc", namespace },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  };
}

async function goneWithEverything(stage: Stage, app: AppHandle): Promise<void> {
  await stage.until(async () => expect(await app.find()).toBeUndefined(), { withinMs: 30_000 });
}

export const applications: readonly Scenario[] = [
  scenario("an app of apps makes its children and takes them away with all they made", async (stage) => {
    const repository = await stage.repository();
    const [one, two] = await Promise.all([
      child(stage, repository.url, "one", [cascading]),
      child(stage, repository.url, "two", [cascading]),
    ]);
    await repository.push({
      "children/one.yaml": manifests(one),
      "children/two.yaml": manifests(two),
      "services/one/settings.yaml": manifests(configMap("one")),
      "services/two/settings.yaml": manifests(configMap("two"), deployment("two")),
    });
    const root = await stage.application({
      suffix: "root",
      repository,
      path: "children",
      automated: true,
      namespace: stage.up.namespace,
    });
    const children = [stage.existing(`${stage.name}-one`), stage.existing(`${stage.name}-two`)];
    await root.is({ sync: "Synced" });
    await Promise.all(children.map((app) => app.synced()));
    expect((await root.get()).status?.summary).toMatchObject({ isAppOfApps: true });

    await repository.push({ "children/two.yaml": null });

    await goneWithEverything(stage, children[1]!);
    expect(await stage.kube.get("ConfigMap", "two", `${stage.namespace}-two`)).toBeUndefined();
    expect(await stage.kube.get("Deployment", "two", `${stage.namespace}-two`)).toBeUndefined();
    await stage.live("ConfigMap", "one", undefined, { namespace: `${stage.namespace}-one` });
    await root.is({ sync: "Synced" });

    const { uid } = (await children[0]!.get()).metadata;
    await children[0]!.remove();
    await stage.until(async () => {
      const { metadata } = await children[0]!.get();
      expect(metadata.uid).not.toBe(uid);
    });
    await children[0]!.synced();
    await stage.live("ConfigMap", "one", undefined, { namespace: `${stage.namespace}-one` });
  }),

  scenario("deleting with the finalizer deletes everything first, in the foreground", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings"), deployment("web")) });
    const app = await stage.application({ repository, automated: true, cascade: "foreground" });
    await app.synced();
    const strangers = configMap("somebody-elses", {}, { namespace: stage.namespace });
    await stage.kube.create(strangers);

    await app.remove();

    await goneWithEverything(stage, app);
    for (const [kind, name] of [
      ["ConfigMap", "settings"],
      ["Deployment", "web"],
    ] as const)
      expect(await stage.kube.get(kind, name, stage.namespace)).toBeUndefined();
    expect(await stage.kube.list("ReplicaSet", stage.namespace)).toEqual([]);
    await stage.live("ConfigMap", "somebody-elses");
  }),

  scenario("deleting in the background does not wait for what the objects made", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(deployment("web")) });
    const app = await stage.application({ repository, automated: true, cascade: "background" });
    await app.synced();

    await app.remove();

    await goneWithEverything(stage, app);
    expect(await stage.kube.get("Deployment", "web", stage.namespace)).toBeUndefined();
    await stage.until(async () => expect(await stage.kube.list("Pod", stage.namespace)).toEqual([]));
  }),

  scenario("deleting without the finalizer leaves everything", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings")) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();

    await app.remove();

    await goneWithEverything(stage, app);
    await steadily(() => stage.live("ConfigMap", "settings", undefined, { withinMs: 0 }), 700);
  }),

  scenario("the API deletes with or without the objects", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings")) });
    const create = async (suffix: string): Promise<AppHandle> => {
      const namespace = await stage.targetNamespace(`${stage.namespace}-${suffix}`);
      const app = await stage.application({ suffix, repository, automated: true, namespace });
      await app.synced();
      return app;
    };
    const [kept, taken] = await Promise.all([create("kept"), create("taken")]);

    await stage.up.api.must("DELETE", `/api/v1/applications/${kept.name}?cascade=false`);
    await stage.up.api.must("DELETE", `/api/v1/applications/${taken.name}`);

    await goneWithEverything(stage, kept);
    await goneWithEverything(stage, taken);
    await stage.gone("ConfigMap", "settings", `${stage.namespace}-taken`);
    await stage.live("ConfigMap", "settings", undefined, { namespace: `${stage.namespace}-kept` });
  }),

  scenario("an object that says Delete=false outlives its application", async (stage) => {
    const keep = { annotations: { "argocd.argoproj.io/sync-options": "Delete=false" } };
    const repository = await stage.repository({
      "all.yaml": manifests(configMap("settings"), configMap("precious", {}, keep)),
    });
    const app = await stage.application({ repository, automated: true, cascade: "foreground" });
    await app.synced();

    await app.remove();

    await goneWithEverything(stage, app);
    expect(await stage.kube.get("ConfigMap", "settings", stage.namespace)).toBeUndefined();
    await stage.live("ConfigMap", "precious");
  }),

  scenario("events tell of syncs and of health", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings")) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();

    await stage.until(async () => {
      const events = await stage.kube.list("Event", stage.up.namespace);
      const own = events.filter(
        (event) => (event["involvedObject"] as { name?: string } | undefined)?.name === app.name,
      );
      const reasons = new Set(own.map((event) => event["reason"]));
      expect([...reasons]).toEqual(
        expect.arrayContaining(["OperationStarted", "OperationCompleted", "ResourceUpdated"]),
      );
    });
  }),
];
