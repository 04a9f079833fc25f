// What GitOps means: what is committed becomes live, what differs is put back, what is removed is pruned.
import { expect } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { configMap, manifests, scenario, type Scenario } from "../../support/scenario.ts";
import { steadily } from "../../support/eventually.ts";

const color = (name: string) => (object: KubernetesObject) => expect(object).toMatchObject({ data: { color: name } });

export const basics: readonly Scenario[] = [
  scenario("a commit becomes live", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings", { color: "blue" })) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    await stage.live("ConfigMap", "settings", color("blue"));

    const commit = await repository.push({ "settings.yaml": manifests(configMap("settings", { color: "green" })) });

    await stage.live("ConfigMap", "settings", color("green"));
    const { status } = await app.is({ sync: "Synced", health: "Healthy", revision: commit, phase: "Succeeded" });
    expect(status?.history?.at(-1)?.revision).toBe(commit);
    expect(status?.sourceType).toBe("Directory");
    expect(status?.resources).toMatchObject([{ version: "v1", kind: "ConfigMap", name: "settings", status: "Synced" }]);
  }),

  scenario("a hand edit is reverted within a second", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings", { color: "blue" })) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const settled = await stage.live("ConfigMap", "settings", color("blue"));

    const at = { name: "settings", namespace: stage.namespace };
    const edited = await stage.kube.edit("ConfigMap", at, { data: { color: "red", extra: "by hand" } });
    const editedAt = performance.now();

    const reverted = await stage.live("ConfigMap", "settings", color("blue"), { everyMs: 15, withinMs: 5_000 });
    expect(performance.now() - editedAt).toBeLessThan(1_000);
    expect(edited.metadata.resourceVersion).not.toBe(settled.metadata.resourceVersion);
    // Nobody declared it, so nobody takes it away.
    expect(reverted["data"]).toEqual({ color: "blue", extra: "by hand" });
    await app.is({ sync: "Synced", phase: "Succeeded" });
  }),

  scenario("an object deleted by hand comes back", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings")) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const { metadata } = await stage.live("ConfigMap", "settings");

    await stage.kube.remove("ConfigMap", "settings", stage.namespace);

    await stage.live("ConfigMap", "settings", (object) => expect(object.metadata.uid).not.toBe(metadata.uid));
    await app.synced();
  }),

  scenario("a removed file is pruned", async (stage) => {
    const files = { "kept.yaml": manifests(configMap("kept")), "going.yaml": manifests(configMap("going")) };
    const repository = await stage.repository(files);
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    await stage.live("ConfigMap", "going");

    await repository.push({ "going.yaml": null });

    await stage.gone("ConfigMap", "going");
    const { status } = await app.until((_app, { resources }) => expect(resources).toHaveLength(1));
    expect(status?.operationState?.syncResult?.resources).toContainEqual(
      expect.objectContaining({ kind: "ConfigMap", name: "going", status: "Pruned", message: "pruned" }),
    );
    await stage.live("ConfigMap", "kept");
  }),

  scenario("without prune a removed file's object stays and is reported", async (stage) => {
    const files = { "kept.yaml": manifests(configMap("kept")), "going.yaml": manifests(configMap("going")) };
    const repository = await stage.repository(files);
    const app = await stage.application({ repository, automated: { prune: false, selfHeal: true } });
    await app.synced();

    const commit = await repository.push({ "going.yaml": null });

    const { status } = await app.is({ sync: "OutOfSync", revision: commit });
    expect(status?.resources).toContainEqual(
      expect.objectContaining({ name: "going", status: "OutOfSync", requiresPruning: true }),
    );
    await steadily(() => stage.live("ConfigMap", "going"), 1_000);
  }),

  scenario("a reverted commit rolls back", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings", { color: "blue" })) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const files = {
      "settings.yaml": manifests(configMap("settings", { color: "red" })),
      "more.yaml": manifests(configMap("more")),
    };
    await repository.push(files);
    await stage.live("ConfigMap", "settings", color("red"));
    await stage.live("ConfigMap", "more");

    const commit = await repository.revert();

    await stage.live("ConfigMap", "settings", color("blue"));
    await stage.gone("ConfigMap", "more");
    await app.is({ sync: "Synced", revision: commit });
  }),

  scenario("without automation it is OutOfSync until somebody syncs", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings")) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync", health: "Missing" });
    await steadily(
      async () => expect(await stage.kube.get("ConfigMap", "settings", stage.namespace)).toBeUndefined(),
      1_000,
    );

    await app.sync();

    await stage.live("ConfigMap", "settings");
    const { status } = await app.synced();
    expect(status?.operationState).toMatchObject({
      phase: "Succeeded",
      operation: { initiatedBy: { username: "admin" } },
    });
    expect(status?.history).toHaveLength(1);
  }),

  scenario("without self-heal a hand edit stays and is reported", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": manifests(configMap("settings", { color: "blue" })) });
    const app = await stage.application({ repository, automated: { prune: true } });
    await app.synced();

    const at = { name: "settings", namespace: stage.namespace };
    await stage.kube.edit("ConfigMap", at, { data: { color: "red" } });

    await app.is({ sync: "OutOfSync" });
    await steadily(() => stage.live("ConfigMap", "settings", color("red"), { withinMs: 0 }), 1_000);
    await repository.push({ "settings.yaml": manifests(configMap("settings", { color: "green" })) });
    await stage.live("ConfigMap", "settings", color("green"));
    await app.synced();
  }),
];
