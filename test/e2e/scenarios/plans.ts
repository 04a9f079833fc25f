// A sync's plan before it runs, and what the sync waits for while it runs.
import { expect } from "vitest";
import type { SyncPlanAnswer, WaitingAnswer, WaitingFor } from "#protocol/rest.ts";
import { configMap, deployment, hookJob, manifests, scenario, type Scenario } from "../../support/scenario.ts";

const steps = (plan: SyncPlanAnswer): readonly string[] =>
  plan.phases.flatMap(({ phase, waves }) =>
    waves.flatMap(({ wave, steps: list }) =>
      list.map(({ kind, name, action }) => `${phase} ${wave} ${kind}/${name} ${action}`),
    ),
  );

export const plans: readonly Scenario[] = [
  scenario("a plan tells each step before the sync, and then what it waits for and why", async (stage) => {
    const stuck = { annotations: { "sandbox.driftless.dev/image-pull": "fail" } };
    const repository = await stage.repository({
      "all.yaml": manifests(
        hookJob("migrate", { hook: "PreSync", runFor: "4s" }),
        configMap("settings"),
        deployment("web", stuck),
        hookJob("announce", { hook: "PostSync" }),
      ),
    });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });
    const path = `/api/v1/applications/${app.name}`;
    const waits = async (check: (wait: WaitingFor) => unknown): Promise<void> => {
      await stage.until(async () => {
        const { waitingFor } = await stage.up.api.must<WaitingAnswer>("GET", `${path}/waiting`);
        expect(waitingFor).toHaveLength(1);
        check(waitingFor[0]!);
      });
    };

    const plan = await stage.up.api.must<SyncPlanAnswer>("GET", `${path}/plan`);
    expect(steps(plan)).toEqual([
      "PreSync 0 Job/migrate hook",
      "Sync 0 ConfigMap/settings create",
      "Sync 0 Deployment/web create",
      "PostSync 0 Job/announce hook",
    ]);
    expect(plan).toMatchObject({ running: false, waitingFor: [] });
    expect((await app.get()).status?.operationState).toBeUndefined();

    await app.sync();

    await waits((wait) => expect(wait).toMatchObject({ kind: "Job", name: "migrate", for: "hook" }));
    await waits((wait) => expect(wait.reason).toMatch(/^1 pod running for [0-9] s$/));
    await waits((wait) => {
      expect(wait).toMatchObject({ group: "apps", kind: "Deployment", name: "web", for: "health" });
      expect(wait.reason).toMatch(/^0 of 1 updated replicas available; pod web-.*: (ErrImagePull|ImagePullBackOff)/);
    });
    const running = await stage.up.api.must<SyncPlanAnswer>("GET", `${path}/plan`);
    expect(running.running).toBe(true);
    expect(running.phases[0]!.waves[0]!.steps[0]).toMatchObject({ name: "migrate", result: { phase: "Succeeded" } });

    await repository.push({ "all.yaml": manifests(configMap("settings", { key: "other" }), deployment("web")) });
    await stage.up.api.must("DELETE", `${path}/operation`);
    await app.is({ sync: "OutOfSync", phase: "Failed" });
    const next = await stage.up.api.must<SyncPlanAnswer>("GET", `${path}/plan`);
    expect(steps(next)).toEqual(["Sync 0 ConfigMap/settings configure", "Sync 0 Deployment/web configure"]);
    expect(next.phases[0]!.waves[0]!.steps[0]!.fields).toEqual(["/data/key"]);
  }),

  scenario("a plan that would be refused says why", async (stage) => {
    const widget = { apiVersion: "example.com/v1", kind: "Unheard", metadata: { name: "x" } };
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings"), widget) });
    const app = await stage.application({ repository });
    await app.until((_app, status) => expect(status.conditions?.length).toBeGreaterThan(0));

    const plan = await stage.up.api.must<SyncPlanAnswer>("GET", `/api/v1/applications/${app.name}/plan`);

    expect(plan.refused).toContain("could not find example.com/Unheard");
    expect(plan.phases[0]!.waves[0]!.steps).toMatchObject([{ kind: "Unheard", name: "x" }]);
  }),
];
