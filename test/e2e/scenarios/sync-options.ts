// Options and kinds of syncs: server-side apply after client-side, shared objects, service accounts, local manifests,
// retries, and what a dry run cannot try.
import { expect } from "vitest";
import type { JsonObject } from "#base/json.ts";
import { silentLogger } from "#base/operation.ts";
import type { KubernetesObject } from "#model/object.ts";
import { steadily } from "../../support/eventually.ts";
import { ownUp } from "./restart.ts";
import {
  configMap,
  hookJob,
  manifests,
  scenario,
  type AppHandle,
  type Scenario,
  type Stage,
} from "../../support/scenario.ts";

const sync = (app: AppHandle, request: JsonObject = {}): Promise<void> =>
  app.edit({ operation: { initiatedBy: { username: "ada" }, sync: request } });

interface Managed {
  readonly manager?: string;
  readonly operation?: string;
}
const managers = (object: KubernetesObject): string[] =>
  ((object.metadata.managedFields ?? []) as readonly Managed[]).map(
    ({ manager, operation }) => `${manager} ${operation}`,
  );

/** A project whose syncs act as a service account, which may change ConfigMaps of one namespace and nothing else. */
async function tenant(stage: Stage): Promise<void> {
  const { namespace, name } = stage;
  await stage.targetNamespace();
  await stage.kube.create({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "deployer", namespace } });
  const rbac = "rbac.authorization.k8s.io";
  await stage.kube.create({
    apiVersion: `${rbac}/v1`,
    kind: "Role",
    metadata: { name: "deployer", namespace },
    rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create", "patch", "update", "delete"] }],
  });
  await stage.kube.create({
    apiVersion: `${rbac}/v1`,
    kind: "RoleBinding",
    metadata: { name: "deployer", namespace },
    roleRef: { apiGroup: rbac, kind: "Role", name: "deployer" },
    subjects: [{ kind: "ServiceAccount", name: "deployer", namespace }],
  });
  await stage.kube.create({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name, namespace: stage.up.namespace },
    spec: {
      sourceRepos: ["*"],
      destinations: [{ server: "*", namespace: "*" }],
      clusterResourceWhitelist: [{ group: "*", kind: "*" }],
      destinationServiceAccounts: [{ server: "*", namespace, defaultServiceAccount: "deployer" }],
    },
  });
}

export const syncOptions: readonly Scenario[] = [
  scenario("what was applied client-side and left Git goes with the first server-side apply", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(configMap("settings", { kept: "1", dropped: "2" })),
    });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const before = await stage.live("ConfigMap", "settings");
    expect(managers(before)).toEqual(["argocd-controller Update"]);

    const annotations = { "argocd.argoproj.io/sync-options": "ServerSideApply=true" };
    await repository.push({ "all.yaml": manifests(configMap("settings", { kept: "1" }, { annotations })) });

    const after = await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toEqual({ kept: "1" }));
    expect(managers(after)).toEqual(["argocd-controller Apply"]);
    expect(after.metadata.annotations).not.toHaveProperty("kubectl.kubernetes.io/last-applied-configuration");
    await app.synced();
  }),

  scenario(
    "fields of a manager that is no longer in use are taken over where the application says so",
    async (stage) => {
      await stage.targetNamespace();
      const old = {
        ...configMap("settings", { kept: "1", dropped: "2" }),
        metadata: { name: "settings", namespace: stage.namespace },
      };
      const type = (await stage.kube.client.discovery.find(
        { signal: AbortSignal.timeout(10_000), log: silentLogger },
        { group: "", kind: "ConfigMap" },
      ))!;
      await stage.kube.client.create({ signal: AbortSignal.timeout(10_000), log: silentLogger }, type, old, {
        fieldManager: "retired-operator",
      });
      const repository = await stage.repository({ "all.yaml": manifests(configMap("settings", { kept: "1" })) });

      const app = await stage.application({
        repository,
        syncOptions: ["ServerSideApply=true"],
        annotations: { "argocd.argoproj.io/client-side-apply-migration-manager": "retired-operator" },
      });
      await app.is({ sync: "OutOfSync" });
      await sync(app);

      const after = await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toEqual({ kept: "1" }));
      expect(managers(after)).toEqual(["argocd-controller Apply"]);
    },
  ),

  scenario("a shared object is a warning, or with FailOnSharedResource the end of the sync", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("shared")) });
    const first = await stage.application({ suffix: "first", repository, automated: true });
    await first.synced();
    const before = await stage.live("ConfigMap", "shared");
    const second = await stage.application({
      suffix: "second",
      repository,
      syncOptions: ["FailOnSharedResource=true"],
    });
    await second.condition("SharedResourceWarning", ["ConfigMap", "shared", first.name]);

    await sync(second, { syncOptions: ["FailOnSharedResource=true"] });

    const { status } = await second.is({ phase: "Failed" });
    expect(status?.operationState?.message).toBe(
      `Shared resource found: ConfigMap/shared is part of applications ${second.name} and ${first.name}`,
    );
    const after = await stage.live("ConfigMap", "shared");
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  }),

  scenario("local manifests are applied in place of the source's, and stay out of the history", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings", { from: "git" })) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });

    await sync(app, {
      manifests: [JSON.stringify(configMap("settings", { from: "here" })), JSON.stringify(configMap("more"))],
    });

    await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toEqual({ from: "here" }));
    await stage.live("ConfigMap", "more");
    const { status } = await app.is({ phase: "Succeeded" });
    expect(status?.history ?? []).toEqual([]);
    await app.is({ sync: "OutOfSync" });
  }),

  scenario("a dry run passes over what needs a namespace or kind that the sync brings", async (stage) => {
    const namespace = `${stage.namespace}-new`;
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings")) });
    const app = await stage.application({ repository, namespace, syncOptions: ["CreateNamespace=true"] });
    await app.is({ sync: "OutOfSync" });

    await sync(app, { dryRun: true, syncOptions: ["CreateNamespace=true"] });

    const { status } = await app.is({ phase: "Succeeded" });
    expect(status?.operationState?.syncResult?.resources).toContainEqual(
      expect.objectContaining({ name: "settings", message: expect.stringContaining("comes with this sync") as string }),
    );
    expect(await stage.kube.get("Namespace", namespace)).toBeUndefined();
  }),

  scenario("a retry stays with its commit, or takes the newest where it is told to", async (stage) => {
    const broken = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { ports: [{ port: 123456 }] },
    };
    const retry = (refresh: boolean) => ({ limit: 20, refresh, backoff: { duration: "500ms", factor: 1 } });
    const repository = await stage.repository({ "all.yaml": manifests(broken) });
    const [stays, follows] = await Promise.all(
      [false, true].map(async (refresh) => {
        const suffix = refresh ? "follows" : "stays";
        const namespace = await stage.targetNamespace(`${stage.namespace}-${suffix}`);
        const app = await stage.application({ suffix, repository, namespace });
        await app.is({ sync: "OutOfSync" });
        await app.edit({
          operation: { initiatedBy: { username: "ada" }, retry: retry(refresh), sync: { revision: "main" } },
        });
        await app.until((_app, { operationState }) => expect(operationState?.retryCount).toBeGreaterThan(0));
        return app;
      }),
    );

    const fixed = await repository.push({ "all.yaml": manifests(configMap("fixed")) });

    const { status } = await follows!.is({ phase: "Succeeded" });
    expect(status?.operationState?.syncResult?.revision).toBe(fixed);
    await steadily(async () => expect((await stays!.get()).status?.operationState?.phase).toBe("Running"), 1500);
    await stays!.edit({ status: { operationState: { phase: "Terminating" } } });
    await stays!.is({ phase: "Failed" });
  }),

  // Each asks for just what the one before asked for, at the moment that one is over: none may be taken for the other.
  scenario("syncs within one second each run their hooks", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(hookJob("pre", { hook: "PreSync", runFor: "50ms" }), configMap("settings")),
    });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });
    const uids = new Set<string>();

    for (let round = 0; round < 8; round++) {
      await sync(app);
      await app.until(
        (found, { operationState }) => {
          expect(found.operation).toBeUndefined();
          expect(operationState?.phase).toBe("Succeeded");
        },
        { everyMs: 5 },
      );
      uids.add((await stage.live("Job", "pre")).metadata.uid ?? "");
    }

    expect(uids.size).toBe(8);
  }),

  scenario(
    "a sync acts as the service account that the project names, and may do no more than that",
    async (outer) => {
      // The setting is for all applications: other scenarios' are not to be concerned.
      const { stage, up } = await ownUp(outer);
      await tenant(stage);
      const settings = { name: "argocd-cm", namespace: stage.up.namespace };
      await stage.kube.edit("ConfigMap", settings, { data: { "application.sync.impersonation.enabled": "true" } });
      const repository = await stage.fileRepository({ "all.yaml": manifests(configMap("settings")) });
      const [app, lost] = await Promise.all([
        stage.application({ repository, project: stage.name, cascade: "foreground" }),
        stage.application({
          suffix: "lost",
          repository,
          project: stage.name,
          namespace: await stage.targetNamespace(`${stage.namespace}-lost`),
        }),
      ]);
      await Promise.all([app, lost].map((each) => each.is({ sync: "OutOfSync" })));
      await sync(app);
      await app.is({ sync: "Synced", phase: "Succeeded" });

      await repository.push({
        "secret.yaml": manifests({ apiVersion: "v1", kind: "Secret", metadata: { name: "token" } }),
      });
      await app.refresh();
      await app.is({ sync: "OutOfSync" });
      await sync(app);

      const { status } = await app.is({ phase: "Failed" });
      const account = `system:serviceaccount:${stage.namespace}:deployer`;
      expect(status?.operationState?.message).toContain(`User "${account}" cannot create resource "secrets"`);
      await sync(lost);
      const { status: none } = await lost.is({ phase: "Error" });
      expect(none?.operationState?.message).toBe(
        `failed to find a matching service account to impersonate: no matching service account found for destination server https://kubernetes.default.svc and namespace ${stage.namespace}-lost`,
      );
      await app.remove();
      await stage.gone("ConfigMap", "settings");
      await stage.until(async () => expect(await app.find()).toBeUndefined());
      await up.stop();
    },
    { sandbox: "it has no RBAC" },
  ),
];
