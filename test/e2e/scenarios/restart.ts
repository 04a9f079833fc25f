// The program ended in the middle of its work, and started again.
import { expect } from "vitest";
import type { Application } from "#model/application.ts";
import { connectKube } from "../../support/kube.ts";
import { configMap, deployment, hookJob, manifests, scenario, Stage, type Scenario } from "../../support/scenario.ts";
import { startUp, type Up } from "../../support/up.ts";

interface Own {
  readonly stage: Stage;
  readonly up: Up;
  /** Another client where the cluster itself was started again. */
  restart(): Promise<Stage>;
}

/** A `driftless up` of the scenario's own: with a sandbox of its own, or on the shared real cluster. */
export async function ownUp(outer: Stage): Promise<Own> {
  const namespace = `${outer.name}-argocd`;
  const shared = outer.world.cluster === "kubernetes";
  const up = await startUp(shared ? { kubeconfig: outer.up.kubeconfig, namespace, demo: false } : { demo: false });
  outer.world.later(() => up.stop());
  const connect = (): Stage => {
    const kube = connectKube(up.kubeconfig);
    outer.world.later(() => kube.close());
    return new Stage({ ...outer.world, up, kube }, outer.name);
  };
  return {
    stage: connect(),
    up,
    restart: async () => {
      await up.restart();
      return connect();
    },
  };
}

const started = (app: Application): string | undefined => app.status?.operationState?.startedAt;

export const restart: readonly Scenario[] = [
  scenario("killed in the middle of a sync it goes on, and no hook runs twice", async (outer) => {
    const own = await ownUp(outer);
    let { stage } = own;
    const repository = await stage.fileRepository({
      "all.yaml": manifests(
        hookJob("before", { hook: "PreSync", generateName: true, runFor: "1500ms" }),
        configMap("first"),
        deployment("web", { annotations: { "sandbox.driftless.dev/ready-after": "1500ms" } }),
        hookJob("between", { hook: "Sync", generateName: true, wave: 1, runFor: "1500ms" }),
        configMap("last", {}, { annotations: { "argocd.argoproj.io/sync-wave": "2" } }),
        hookJob("after", { hook: "PostSync", generateName: true, runFor: "1500ms" }),
      ),
    });
    const { name } = await stage.application({ repository, automated: true });
    const jobs = async (prefix: string): Promise<number> =>
      (await stage.kube.list("Job", stage.namespace)).filter(({ metadata }) => metadata.name?.startsWith(prefix))
        .length;
    let startedAt: string | undefined;
    const moments: readonly (() => Promise<void>)[] = [
      async () => expect(await jobs("before-")).toBe(1),
      async () => expect(await stage.kube.get("Deployment", "web", stage.namespace)).toBeDefined(),
      async () => expect(await jobs("between-")).toBe(1),
      async () => expect(await jobs("after-")).toBe(1),
    ];

    for (const moment of moments) {
      await stage.until(moment, { everyMs: 20 });
      await own.up.kill9();
      stage = await own.restart();
      startedAt ??= started(await stage.existing(name).get());
    }

    const app = await stage.existing(name).is({ sync: "Synced", health: "Healthy", phase: "Succeeded" });
    expect(started(app)).toBe(startedAt);
    expect(await Promise.all(["before-", "between-", "after-"].map(jobs))).toEqual([1, 1, 1]);
    expect(app.status?.history).toHaveLength(1);
    await own.up.stop();
  }),

  scenario("a restart keeps everything and changes nothing", async (outer) => {
    const own = await ownUp(outer);
    let { stage } = own;
    const files = (color: string) => ({ "all.yaml": manifests(configMap("settings", { color }), deployment("web")) });
    const repository = await stage.fileRepository(files("blue"));
    const { name } = await stage.application({ repository, automated: true });
    await stage.existing(name).synced();
    await repository.push(files("green"));
    await stage.existing(name).refresh();
    await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toEqual({ color: "green" }));
    const before = await stage.existing(name).synced();
    const settings = await stage.live("ConfigMap", "settings");
    const { password } = own.up;

    expect(await own.up.interrupt()).toBe(0);
    stage = await own.restart();

    expect(own.up.password).toBe(password);
    expect(await own.up.api.application(name)).toBeDefined();
    const at = { name: "settings", namespace: stage.namespace };
    await stage.kube.edit("ConfigMap", at, { data: { color: "red" } });
    await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toEqual({ color: "green" }));
    const after = await stage.existing(name).synced();
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(after.status?.history).toEqual(before.status?.history);
    expect((await stage.live("ConfigMap", "settings")).metadata.uid).toBe(settings.metadata.uid);
    await own.up.stop();
  }),
];
