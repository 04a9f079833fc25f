// Hooks: Jobs before and after a sync, when one fails, and how long they stay.
import { expect } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { field, configMap, deployment, hookJob, manifests, scenario, type Scenario } from "../../support/scenario.ts";

const finished = (job: KubernetesObject | undefined): boolean => Number(field(job, "status", "succeeded") ?? 0) > 0;

export const hooks: readonly Scenario[] = [
  scenario("PreSync, Sync and PostSync hooks run around the sync, in order", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(
        hookJob("migrate", { hook: "PreSync", runFor: "700ms" }),
        configMap("settings"),
        deployment("web", { annotations: { "sandbox.driftless.dev/ready-after": "700ms" } }),
        hookJob("announce", { hook: "PostSync" }),
      ),
    });
    const app = await stage.application({ repository, automated: true });

    await stage.until(
      async () => {
        expect(await stage.kube.get("ConfigMap", "settings", stage.namespace)).toBeDefined();
      },
      { everyMs: 25 },
    );
    expect(finished(await stage.kube.get("Job", "migrate", stage.namespace))).toBe(true);
    await stage.until(
      async () => {
        expect(await stage.kube.get("Job", "announce", stage.namespace)).toBeDefined();
      },
      { everyMs: 25 },
    );
    expect(field(await stage.kube.get("Deployment", "web", stage.namespace), "status", "readyReplicas")).toBe(1);
    const { status } = await app.is({ sync: "Synced", health: "Healthy", phase: "Succeeded" });
    expect(status?.operationState?.syncResult?.resources).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "migrate", hookType: "PreSync", syncPhase: "PreSync", hookPhase: "Succeeded" }),
        expect.objectContaining({
          name: "announce",
          hookType: "PostSync",
          syncPhase: "PostSync",
          hookPhase: "Succeeded",
        }),
      ]),
    );
    // Hooks are no part of the application's desired state.
    const own = status?.resources?.filter(({ hook }) => hook !== true).map(({ name }) => name);
    expect(own?.toSorted()).toEqual(["settings", "web"]);
  }),

  scenario("a hook is deleted as its delete policy says", async (stage) => {
    const files = (color: string) => ({
      "all.yaml": manifests(
        configMap("settings", { color }),
        hookJob("succeeds-and-goes", { hook: "PreSync", deletePolicy: "HookSucceeded" }),
        hookJob("stays-until-the-next", { hook: "PostSync" }),
        hookJob("each-time-anew", { hook: "PostSync", generateName: true, deletePolicy: "HookSucceeded" }),
      ),
    });
    const repository = await stage.repository(files("blue"));
    const app = await stage.application({ repository, automated: true });
    await app.is({ sync: "Synced", phase: "Succeeded" });
    await stage.gone("Job", "succeeds-and-goes");
    const kept = await stage.live("Job", "stays-until-the-next");
    await stage.until(async () => {
      const names = (await stage.kube.list("Job", stage.namespace)).map(({ metadata }) => metadata.name);
      expect(names).toEqual(["stays-until-the-next"]);
    });

    const commit = await repository.push(files("green"));

    await app.is({ sync: "Synced", phase: "Succeeded", revision: commit });
    await stage.live("Job", "stays-until-the-next", ({ metadata }) => expect(metadata.uid).not.toBe(kept.metadata.uid));
    await stage.gone("Job", "succeeds-and-goes");
  }),

  scenario("a failing PreSync hook stops the sync, and SyncFail hooks run", async (stage) => {
    const files = (exitCode: number, name: string) => ({
      "all.yaml": manifests(
        hookJob("migrate", { hook: "PreSync", exitCode }),
        configMap(name),
        hookJob("clean-up", { hook: "SyncFail" }),
      ),
    });
    const repository = await stage.repository(files(1, "settings"));
    const app = await stage.application({ repository, automated: true, retry: { limit: 0 } });

    const { status } = await app.is({ phase: "Failed" });

    expect(status?.operationState?.syncResult?.resources).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "migrate", hookPhase: "Failed" }),
        expect.objectContaining({ name: "clean-up", syncPhase: "SyncFail", hookPhase: "Succeeded" }),
      ]),
    );
    await stage.live("Job", "clean-up", (job) => expect(finished(job)).toBe(true));
    expect(await stage.kube.get("ConfigMap", "settings", stage.namespace)).toBeUndefined();
    await app.condition("SyncError", ["Failed last sync attempt"]);

    await repository.push(files(0, "settings"));
    await stage.live("ConfigMap", "settings");
    await app.is({ sync: "Synced", phase: "Succeeded" });
    await app.until((_app, { conditions }) => expect(conditions ?? []).toEqual([]));
  }),

  scenario("a failing PostSync hook fails the operation, not the resources", async (stage) => {
    const job = hookJob("announce", { hook: "PostSync", exitCode: 3, deletePolicy: "HookFailed" });
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings"), job) });
    const app = await stage.application({ repository, automated: true, retry: { limit: 0 } });

    await app.is({ sync: "Synced", health: "Healthy", phase: "Failed" });
    await stage.live("ConfigMap", "settings");
    await stage.gone("Job", "announce");
  }),
];
