// Deleting applications: hooks before and after, confirmations, what stays, and what holds a deletion up.
import { expect } from "vitest";
import { steadily } from "../../support/eventually.ts";
import {
  configMap,
  field,
  hookJob,
  manifests,
  scenario,
  type AppHandle,
  type Scenario,
  type Stage,
} from "../../support/scenario.ts";

const options = (text: string) => ({ annotations: { "argocd.argoproj.io/sync-options": text } });

const gone = async (stage: Stage, app: AppHandle, withinMs = 30_000): Promise<void> => {
  await stage.until(async () => expect(await app.find()).toBeUndefined(), { withinMs });
};

const finalizersOf = async (app: AppHandle): Promise<readonly string[]> => (await app.get()).metadata.finalizers ?? [];

/** Gives an object a finalizer that nobody will take off by itself. */
const hold = (stage: Stage, kind: string, name: string): Promise<unknown> =>
  stage.kube.edit(kind, { name, namespace: stage.namespace }, { metadata: { finalizers: ["example.com/hold"] } });
const letGo = (stage: Stage, kind: string, name: string, namespace = stage.namespace): Promise<unknown> =>
  stage.kube.edit(kind, { name, namespace }, { metadata: { finalizers: null } });

export const deletion: readonly Scenario[] = [
  scenario("deletion hooks run before and after the objects go", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(
        hookJob("before", { hook: "PreDelete", generateName: true, runFor: "1500ms" }),
        configMap("settings"),
        hookJob("after", { hook: "PostDelete", deletePolicy: "BeforeHookCreation" }),
      ),
    });
    const app = await stage.application({ repository, automated: true, cascade: "foreground" });
    await app.synced();
    await stage.until(async () =>
      expect(await finalizersOf(app)).toEqual([
        "resources-finalizer.argocd.argoproj.io",
        "pre-delete-finalizer.argocd.argoproj.io",
        "pre-delete-finalizer.argocd.argoproj.io/cleanup",
        "post-delete-finalizer.argocd.argoproj.io",
        "post-delete-finalizer.argocd.argoproj.io/cleanup",
      ]),
    );
    expect(await stage.kube.list("Job", stage.namespace)).toEqual([]);

    await app.remove();

    await stage.until(async () => expect(await stage.kube.list("Job", stage.namespace)).toHaveLength(1), {
      everyMs: 25,
    });
    const [running] = await stage.kube.list("Job", stage.namespace);
    expect(running?.metadata.name).toMatch(/^before-.*predelete/);
    await stage.live("ConfigMap", "settings");
    await gone(stage, app);
    expect(await stage.kube.get("ConfigMap", "settings", stage.namespace)).toBeUndefined();
    // The one without a policy is cleaned up; the other stays, and nothing holds it any more.
    const left = await stage.kube.list("Job", stage.namespace);
    expect(left.map(({ metadata }) => [metadata.name, metadata.finalizers ?? []])).toEqual([["after", []]]);
    expect(field(left[0], "status", "succeeded")).toBe(1);
  }),

  scenario("the application that makes another leaves it the finalizers of its hooks", async (stage) => {
    const namespace = await stage.targetNamespace(`${stage.namespace}-child`);
    const repository = await stage.repository();
    const child = (color: string) => ({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: {
        name: `${stage.name}-child`,
        namespace: stage.up.namespace,
        finalizers: ["resources-finalizer.argocd.argoproj.io"],
        labels: { color },
      },
      spec: {
        project: "default",
        source: { repoURL: repository.url, targetRevision: "main", path: "child" },
        destination: { server: "https://kubernetes.default.svc", namespace },
        syncPolicy: { automated: {} },
      },
    });
    await repository.push({
      "root/child.yaml": manifests(child("blue")),
      "child/all.yaml": manifests(hookJob("before", { hook: "PreDelete" }), configMap("settings")),
    });
    const root = await stage.application({ repository, path: "root", automated: true, namespace: stage.up.namespace });
    const made = stage.existing(`${stage.name}-child`);
    await stage.until(async () => expect(await finalizersOf(made)).toHaveLength(3));
    await root.is({ sync: "Synced" });

    await repository.push({ "root/child.yaml": manifests(child("green")) });

    await made.until(({ metadata }) => expect(metadata.labels).toMatchObject({ color: "green" }));
    await steadily(async () => expect(await finalizersOf(made)).toHaveLength(3), 1500);
    await root.is({ sync: "Synced" });
  }),

  scenario("deletion hooks that leave Git take their finalizers along", async (stage) => {
    const repository = await stage.repository({
      "settings.yaml": manifests(configMap("settings")),
      "hook.yaml": manifests(hookJob("before", { hook: "PreDelete" })),
    });
    const app = await stage.application({ repository, automated: true });
    await stage.until(async () => expect(await finalizersOf(app)).toHaveLength(2));

    await repository.push({ "hook.yaml": null });

    await stage.until(async () => expect(await finalizersOf(app)).toEqual([]));
  }),

  scenario("a PreDelete hook that fails keeps everything, says so, and goes on once it is repaired", async (stage) => {
    const files = (exitCode: number) => ({
      "all.yaml": manifests(hookJob("before", { hook: "PreDelete", exitCode }), configMap("settings")),
    });
    const repository = await stage.repository(files(1));
    const app = await stage.application({ repository, automated: true, cascade: "foreground" });
    await app.synced();
    await stage.until(async () => expect(await finalizersOf(app)).toHaveLength(3));

    await app.remove();

    await app.condition("DeletionError", ["PreDelete hook batch/Job/before failed", "it is run again at"]);
    await stage.live("ConfigMap", "settings");
    await repository.push(files(0));
    await gone(stage, app, 45_000);
    expect(await stage.kube.get("ConfigMap", "settings", stage.namespace)).toBeUndefined();
  }),

  scenario("what needs a confirmation is deleted only after it", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(configMap("precious", {}, options("Delete=confirm")), configMap("ordinary")),
    });
    const app = await stage.application({ repository, automated: true, cascade: "foreground" });
    await app.synced();
    const { status } = await app.get();
    const confirms = status?.resources?.filter((resource) => resource.requiresDeletionConfirmation === true);
    expect(confirms?.map(({ name }) => name)).toEqual(["precious"]);

    await app.remove();

    await app.condition("DeletionError", ["Waiting for deletion confirmation of v1/ConfigMap/precious"]);
    await steadily(() => stage.live("ConfigMap", "ordinary"), 500);
    const annotations = { "argocd.argoproj.io/deletion-approved": new Date().toISOString() };
    await app.edit({ metadata: { annotations } });
    await gone(stage, app);
    expect(await stage.kube.get("ConfigMap", "precious", stage.namespace)).toBeUndefined();
  }),

  scenario("pruning what needs a confirmation goes on when it comes", async (stage) => {
    const repository = await stage.repository({
      "precious.yaml": manifests(configMap("precious", {}, options("Prune=confirm"))),
      "settings.yaml": manifests(configMap("settings")),
    });
    const app = await stage.application({ repository, automated: true });
    await app.synced();

    await repository.push({ "precious.yaml": null });

    await app.until((_app, { operationState }) => {
      expect(operationState?.message).toBe("Waiting for pruning confirmation of v1/ConfigMap/precious");
    });
    await stage.live("ConfigMap", "precious");
    const later = new Date(Date.now() + 1000).toISOString();
    await app.edit({ metadata: { annotations: { "argocd.argoproj.io/deletion-approved": later } } });
    await stage.gone("ConfigMap", "precious");
    await app.synced();
  }),

  scenario("what says so stays, and so do definitions", async (stage) => {
    const plural = `d${stage.name.replaceAll("-", "").slice(0, 20)}`;
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.deletion.example.com` },
      spec: {
        group: "deletion.example.com",
        scope: "Namespaced",
        names: { plural, singular: plural, kind: "Kept", listKind: "KeptList" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    };
    const repository = await stage.repository({
      "all.yaml": manifests(configMap("kept", {}, options("Delete=false")), configMap("goes"), definition),
    });
    const app = await stage.application({ repository, automated: true, cascade: "foreground" });
    await app.is({ sync: "Synced" });

    await app.remove();

    await gone(stage, app);
    await stage.gone("ConfigMap", "goes");
    await stage.live("ConfigMap", "kept");
    await stage.live("CustomResourceDefinition", definition.metadata.name, undefined, { namespace: "" });
    await stage.kube.remove("CustomResourceDefinition", definition.metadata.name);
  }),

  scenario("what another application took over is not deleted", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("taken"), configMap("own")) });
    const app = await stage.application({ repository, cascade: "foreground" });
    await app.is({ sync: "OutOfSync" });
    await app.edit({ operation: { sync: {} } });
    await app.synced();
    const id = `somebody-else:/ConfigMap:${stage.namespace}/taken`;
    const annotations = { "argocd.argoproj.io/tracking-id": id };
    await stage.kube.edit("ConfigMap", { name: "taken", namespace: stage.namespace }, { metadata: { annotations } });

    await app.remove();

    await gone(stage, app);
    await stage.gone("ConfigMap", "own");
    const taken = await stage.live("ConfigMap", "taken");
    expect(taken.metadata.deletionTimestamp).toBeUndefined();
  }),

  scenario("a finalizer that never goes is named", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("held")) });
    const app = await stage.application({ repository, automated: true, cascade: "foreground" });
    await app.synced();
    await hold(stage, "ConfigMap", "held");

    await app.remove();

    const parts = [`ConfigMap ${stage.namespace}/held`, "held by example.com/hold", "waiting since"];
    await app.condition("DeletionError", parts, { withinMs: 45_000 });
    await letGo(stage, "ConfigMap", "held");
    await gone(stage, app);
  }),

  scenario("deleting an application ends its sync, hooks and all", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(hookJob("endless", { hook: "PreSync", runFor: "1h" }), configMap("after")),
    });
    const app = await stage.application({ repository, automated: true, cascade: "foreground" });
    await stage.live("Job", "endless");

    await app.remove();

    await gone(stage, app);
    await stage.gone("Job", "endless");
  }),

  scenario("an unreachable cluster holds a deletion up, one that is no longer configured does not", async (stage) => {
    const secret = `cluster-${stage.name}`;
    await stage.kube.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: secret,
        namespace: stage.up.namespace,
        labels: { "argocd.argoproj.io/secret-type": "cluster" },
      },
      stringData: { name: secret, server: "https://127.0.0.1:9", config: "{}" },
    });
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings")) });
    const spec = { destination: { server: "https://127.0.0.1:9", namespace: stage.namespace } };
    const app = await stage.application({ repository, cascade: "foreground", spec });
    await app.is({ sync: "Unknown" });

    await app.remove();

    await app.condition("DeletionError", [`cluster ${secret} cannot be reached`, "remove its Secret"]);
    await stage.kube.remove("Secret", secret, stage.up.namespace);
    await gone(stage, app);
  }),
];
