// How a sync goes: who asks for it, in which order it applies, and what sync options change.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "vitest";
import { listAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { kubectlPath } from "../../support/cluster.ts";
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

const wave = (number: number) => ({ annotations: { "argocd.argoproj.io/sync-wave": String(number) } });

const available = (object: KubernetesObject | undefined): boolean =>
  listAt(object, "status", "conditions").some((condition) =>
    expect.objectContaining({ type: "Available", status: "True" }).asymmetricMatch(condition),
  );

/** Then: the change is seen, and at that moment the Deployment was available already. */
async function onlyOnceAvailable(stage: Stage, name: string, changed: () => Promise<boolean>): Promise<void> {
  await stage.until(
    async () => {
      if (!(await changed())) throw new Error("nothing changed yet");
    },
    { everyMs: 30 },
  );
  expect(available(await stage.kube.get("Deployment", name, stage.namespace))).toBe(true);
}

async function setOperation(app: AppHandle, stage: Stage, operation: unknown): Promise<void> {
  const kubectl = kubectlPath();
  if (kubectl === undefined) return app.edit({ operation });
  const args = ["--kubeconfig", stage.kube.kubeconfig, "-n", stage.up.namespace, "patch", "application", app.name];
  await promisify(execFile)(kubectl, [...args, "--type", "merge", "-p", JSON.stringify({ operation })]);
}

const requests: readonly Scenario[] = [
  scenario("an operation set with kubectl is carried out and cleared", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings")) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });

    await setOperation(app, stage, { initiatedBy: { username: "ada" }, sync: { revision: "main", prune: true } });

    await stage.live("ConfigMap", "settings");
    const { operation, status } = await app.until((found) => {
      expect(found.operation).toBeUndefined();
      expect(found.status?.operationState?.phase).toBe("Succeeded");
    });
    expect(operation).toBeUndefined();
    expect(status?.operationState?.operation).toMatchObject({ initiatedBy: { username: "ada" } });
    await app.synced();
  }),

  scenario("a rollback by the API brings an earlier state back", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings", { color: "blue" })) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    const first = (await app.synced()).status?.history?.at(-1);
    const second = await repository.push({
      "settings.yaml": manifests(configMap("settings", { color: "red" })),
      "more.yaml": manifests(configMap("more")),
    });
    await app.is({ sync: "OutOfSync", revision: second });
    await app.sync();
    await app.until((_app, { history }) => expect(history).toHaveLength(2));

    await stage.up.api.must("POST", `/api/v1/applications/${app.name}/rollback`, { id: first?.id ?? 0, prune: true });

    await stage.live("ConfigMap", "settings", (object) => expect(object["data"]).toEqual({ color: "blue" }));
    await stage.gone("ConfigMap", "more");
    const { status } = await app.until((_app, { history }) => expect(history).toHaveLength(3));
    expect(status?.history?.at(-1)?.revision).toBe(first?.revision);
    await app.is({ sync: "OutOfSync" });
  }),

  scenario("a sync of chosen resources leaves the others alone", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("one"), configMap("two")) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });

    await app.sync({ resources: [{ group: "", kind: "ConfigMap", name: "two" }] });

    await stage.live("ConfigMap", "two");
    await app.is({ sync: "OutOfSync", phase: "Succeeded" });
    expect(await stage.kube.get("ConfigMap", "one", stage.namespace)).toBeUndefined();
    expect((await app.get()).status?.history ?? []).toHaveLength(0);
  }),

  scenario("a dry run changes nothing", async (stage) => {
    const repository = await stage.repository({ "one.yaml": manifests(configMap("one")) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });

    await app.sync({ dryRun: true });

    await app.is({ sync: "OutOfSync", phase: "Succeeded" });
    expect(await stage.kube.get("ConfigMap", "one", stage.namespace)).toBeUndefined();
  }),

  scenario("an unhealthy wave can be terminated", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(
        deployment("stuck", { annotations: { "sandbox.driftless.dev/never-ready": "true" } }),
        configMap("after", {}, wave(1)),
      ),
    });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    await stage.live("Deployment", "stuck");
    await app.until((_app, { operationState }) => {
      expect(operationState?.phase).toBe("Running");
      expect(operationState?.message).toContain("stuck");
    });

    await stage.up.api.must("DELETE", `/api/v1/applications/${app.name}/operation`);

    const { status } = await app.is({ phase: "Failed" });
    expect(status?.operationState?.message).toContain("terminated");
    expect(await stage.kube.get("ConfigMap", "after", stage.namespace)).toBeUndefined();
  }),
];

const order: readonly Scenario[] = [
  scenario("sync waves are applied in order", async (stage) => {
    const waves = [3, -1, 0, 1];
    const repository = await stage.repository({
      "all.yaml": manifests(...waves.map((number) => configMap(`wave-${number}`, {}, wave(number)))),
    });
    const app = await stage.application({ repository, automated: true });
    await app.synced();

    const objects = await Promise.all(
      waves.toSorted((a, b) => a - b).map((number) => stage.live("ConfigMap", `wave-${number}`)),
    );
    const versions = objects.map(({ metadata }) => Number(metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    const { status } = await app.get();
    expect(status?.resources).toContainEqual(expect.objectContaining({ name: "wave-3", syncWave: 3 }));
  }),

  scenario("a wave waits until the one before is healthy", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(
        deployment("slow", { annotations: { "sandbox.driftless.dev/ready-after": "1500ms" } }),
        configMap("after", {}, wave(1)),
      ),
    });
    const app = await stage.application({ repository, automated: true });

    await onlyOnceAvailable(stage, "slow", async () =>
      Boolean(await stage.kube.get("ConfigMap", "after", stage.namespace)),
    );

    await app.synced();
  }),

  scenario("PruneLast prunes when the rest is healthy", async (stage) => {
    const repository = await stage.repository({ "old.yaml": manifests(configMap("old")) });
    const app = await stage.application({ repository, automated: true, syncOptions: ["PruneLast=true"] });
    await stage.targetNamespace();
    await app.synced();

    const slow = deployment("new", { annotations: { "sandbox.driftless.dev/ready-after": "1500ms" } });
    await repository.push({ "old.yaml": null, "new.yaml": manifests(slow) });

    await onlyOnceAvailable(
      stage,
      "new",
      async () => (await stage.kube.get("ConfigMap", "old", stage.namespace)) === undefined,
    );
    await app.synced();
  }),
];

const options: readonly Scenario[] = [
  scenario("CreateNamespace makes the namespace, with its labels", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings")) });
    const app = await stage.application({
      repository,
      syncOptions: ["CreateNamespace=true"],
      spec: {
        syncPolicy: {
          automated: {},
          syncOptions: ["CreateNamespace=true"],
          managedNamespaceMetadata: { labels: { team: "payments" } },
        },
      },
    });

    await app.synced();

    await stage.live("ConfigMap", "settings");
    const namespace = await stage.live("Namespace", stage.namespace, undefined, { namespace: "" });
    expect(namespace.metadata.labels).toMatchObject({ team: "payments" });
    expect((await app.get()).status?.resources).toHaveLength(1);
  }),

  scenario("ServerSideApply owns its fields and leaves others to others", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings", { color: "blue" })) });
    await stage.targetNamespace();
    await stage.kube.create(configMap("settings", { size: "large" }, { namespace: stage.namespace }));
    const app = await stage.application({ repository, automated: true, syncOptions: ["ServerSideApply=true"] });

    await app.synced();

    const { metadata, data } = await stage.live("ConfigMap", "settings", ({ data }) =>
      expect(data).toEqual({ color: "blue", size: "large" }),
    );
    expect(data).toBeDefined();
    expect(metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: "argocd-controller", operation: "Apply" }),
    );
    expect(metadata.annotations).not.toHaveProperty("kubectl.kubernetes.io/last-applied-configuration");
    await repository.push({ "settings.yaml": manifests(configMap("settings", { shape: "round" })) });
    await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toEqual({ shape: "round", size: "large" }));
    await app.synced();
  }),

  scenario("PrunePropagationPolicy orphan leaves the pods running", async (stage) => {
    const files = { "kept.yaml": manifests(configMap("kept")), "web.yaml": manifests(deployment("web")) };
    const repository = await stage.repository(files);
    const syncOptions = ["PrunePropagationPolicy=orphan"];
    const app = await stage.application({ repository, automated: true, syncOptions });
    await app.synced();

    await repository.push({ "web.yaml": null });

    await stage.gone("Deployment", "web");
    const sets = await stage.until(async () => {
      const found = await stage.kube.list("ReplicaSet", stage.namespace);
      expect(found.map(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([[]]);
      return found;
    });
    expect(sets[0]?.metadata.deletionTimestamp).toBeUndefined();
  }),

  scenario("pruning takes what the object made with it", async (stage) => {
    const files = { "kept.yaml": manifests(configMap("kept")), "web.yaml": manifests(deployment("web")) };
    const repository = await stage.repository(files);
    const app = await stage.application({ repository, automated: true });
    await app.synced();

    await repository.push({ "web.yaml": null });

    await stage.gone("Deployment", "web");
    await stage.until(async () => {
      expect(await stage.kube.list("ReplicaSet", stage.namespace)).toEqual([]);
      expect(await stage.kube.list("Pod", stage.namespace)).toEqual([]);
    });
    await app.synced();
  }),

  scenario("an object that says Prune=false stays", async (stage) => {
    const keep = { annotations: { "argocd.argoproj.io/sync-options": "Prune=false" } };
    const files = { "kept.yaml": manifests(configMap("kept")), "stays.yaml": manifests(configMap("stays", {}, keep)) };
    const repository = await stage.repository(files);
    const app = await stage.application({ repository, automated: true });
    await app.synced();

    await repository.push({ "stays.yaml": null, "more.yaml": manifests(configMap("more")) });

    await stage.live("ConfigMap", "more");
    const { status } = await app.is({ phase: "Succeeded", sync: "OutOfSync" });
    expect(status?.operationState?.syncResult?.resources).toContainEqual(
      expect.objectContaining({ name: "stays", status: "PruneSkipped" }),
    );
    await stage.live("ConfigMap", "stays");
  }),

  scenario("an empty source prunes nothing unless allowEmpty says so", async (stage) => {
    const files = { "app/README.md": "Settings", "app/one.yaml": manifests(configMap("one")) };
    const repository = await stage.repository(files);
    const app = await stage.application({ repository, path: "app", automated: true });
    await app.synced();

    await repository.push({ "app/one.yaml": null });

    await app.condition("SyncError", ["auto-sync will wipe out all resources"]);
    await steadily(() => stage.live("ConfigMap", "one", undefined, { withinMs: 0 }), 700);
    await app.edit({ spec: { syncPolicy: { automated: { allowEmpty: true } } } });
    await stage.gone("ConfigMap", "one");
    await app.until((_app, { conditions }) => expect(conditions ?? []).toEqual([]));
  }),

  scenario("a sync that fails is retried with backoff until it succeeds", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings")) });
    const app = await stage.application({
      repository,
      namespace: stage.namespace,
      automated: true,
      retry: { limit: 20, backoff: { duration: "500ms", factor: 2, maxDuration: "1s" } },
    });
    const failing = await app.until((_app, { operationState }) => {
      expect(operationState?.retryCount).toBeGreaterThanOrEqual(2);
      expect(operationState?.message).toContain(`namespaces "${stage.namespace}" not found`);
    });
    expect(failing.status?.operationState?.phase).toBe("Running");

    await stage.targetNamespace();

    await stage.live("ConfigMap", "settings");
    const { status } = await app.is({ sync: "Synced", phase: "Succeeded" });
    expect(status?.operationState?.message).toContain("successfully synced");
    expect(status?.operationState?.retryCount).toBeGreaterThanOrEqual(2);
  }),

  scenario("a kind that arrives later is synced by a retry", async (stage) => {
    const group = `${stage.name}.example.com`;
    const gadget = { apiVersion: `${group}/v1`, kind: "Gadget", metadata: { name: "first" }, spec: { size: 3 } };
    const repository = await stage.repository({ "gadget.yaml": manifests(gadget) });
    const app = await stage.application({
      repository,
      automated: true,
      retry: { limit: 20, backoff: { duration: "500ms", factor: 2, maxDuration: "1s" } },
    });
    await app.until((_app, { conditions, operationState }) => {
      expect(JSON.stringify([conditions, operationState?.message])).toContain("Gadget");
    });

    await stage.kube.create(definition(group, "Gadget"));

    await stage.live(`${group}/v1/Gadget`, "first");
    await app.is({ sync: "Synced", phase: "Succeeded" });
    await app.until((_app, { conditions }) => expect(conditions ?? []).toEqual([]));
  }),

  scenario("a definition and its objects go out in one sync", async (stage) => {
    const group = `${stage.name}.example.com`;
    const widget = { apiVersion: `${group}/v1`, kind: "Widget", metadata: { name: "first" }, spec: { size: 3 } };
    const repository = await stage.repository({
      "a-widget.yaml": manifests(widget),
      "z-definition.yaml": manifests(definition(group, "Widget")),
    });
    const app = await stage.application({ repository, automated: true });

    await app.synced();

    await stage.live(`${group}/v1/Widget`, "first");
    const { status } = await app.get();
    expect(status?.operationState?.retryCount ?? 0).toBe(0);
  }),
];

function definition(group: string, kind: string): KubernetesObject {
  const singular = kind.toLowerCase();
  const schema = {
    openAPIV3Schema: {
      type: "object",
      properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    },
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural: `${singular}s`, singular, kind, listKind: `${kind}List` },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}

export const syncing: readonly Scenario[] = [...requests, ...order, ...options];
