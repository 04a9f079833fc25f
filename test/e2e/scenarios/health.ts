// What an application's health says, from the health of what it deployed.
import { expect } from "vitest";
import { configMap, deployment, manifests, scenario, type Scenario } from "../../support/scenario.ts";

const cronJob = {
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name: "nightly" },
  spec: {
    schedule: "0 3 * * *",
    suspend: true,
    jobTemplate: {
      spec: {
        template: {
          spec: { restartPolicy: "Never", containers: [{ name: "main", image: "registry.example.com/task:1.0" }] },
        },
      },
    },
  },
};

export const health: readonly Scenario[] = [
  scenario("health goes from Missing over Progressing to Healthy", async (stage) => {
    const slow = deployment("web", { annotations: { "sandbox.driftless.dev/ready-after": "2500ms" } });
    const repository = await stage.repository({ "web.yaml": manifests(slow, configMap("settings")) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync", health: "Missing" });
    await app.sync();
    await app.is({ sync: "Synced", health: "Progressing" });
    await app.is({ sync: "Synced", health: "Healthy" });
    await stage.kube.remove("Deployment", "web", stage.namespace);
    // Where some of it is there, OutOfSync says enough.
    await app.is({ sync: "OutOfSync", health: "Healthy" });
  }),

  scenario("an image that cannot be pulled makes it Degraded, the next commit Healthy again", async (stage) => {
    const web = (tag: string): string =>
      manifests(deployment("web", { image: `registry.example.com/web:${tag}`, spec: { progressDeadlineSeconds: 2 } }));
    const repository = await stage.repository({ "web.yaml": web("1.0") });
    const app = await stage.application({ repository, automated: true });
    await app.synced();

    await repository.push({ "web.yaml": web("does-not-exist") });

    await app.is({ sync: "Synced", health: "Degraded" });
    const tree = await stage.up.api.must<{ nodes: readonly { kind: string; health?: { status: string } }[] }>(
      "GET",
      `/api/v1/applications/${app.name}/resource-tree`,
    );
    expect(tree.nodes).toContainEqual(
      expect.objectContaining({ kind: "Pod", health: expect.objectContaining({ status: "Degraded" }) as unknown }),
    );
    const commit = await repository.revert();
    await app.is({ sync: "Synced", health: "Healthy", revision: commit });
  }),

  scenario("what is paused is Suspended", async (stage) => {
    const repository = await stage.repository({ "web.yaml": manifests(deployment("web")) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();

    await repository.push({ "web.yaml": manifests(deployment("web", { spec: { paused: true } })) });

    await app.is({ sync: "Synced", health: "Suspended" });
    await repository.push({ "web.yaml": manifests(deployment("web")) });
    await app.synced();
    await repository.push({ "nightly.yaml": manifests(cronJob) });
    await stage.live("CronJob", "nightly");
    await app.is({ sync: "Synced", health: "Suspended" });
  }),
];
