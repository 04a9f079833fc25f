// What counts as a difference: ignore rules by jq and by manager, server-side diff, and who changed what.
import { expect } from "vitest";
import type { JsonObject } from "#base/json.ts";
import type { DriftAnswer } from "#protocol/rest.ts";
import { steadily } from "../../support/eventually.ts";
import { configMap, deployment, manifests, scenario, type Scenario } from "../../support/scenario.ts";

export const diffing: readonly Scenario[] = [
  scenario("a jq rule ignores what it names, and nothing else", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(configMap("settings", { color: "blue", seed: "1", size: "9" })),
    });
    const app = await stage.application({
      repository,
      spec: {
        ignoreDifferences: [{ group: "", kind: "ConfigMap", jqPathExpressions: ['.data | .seed, .["salt"]'] }],
      },
    });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    await app.synced();

    await stage.kube.edit("ConfigMap", { name: "settings", namespace: stage.namespace }, { data: { seed: "777" } });

    await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toMatchObject({ seed: "777" }));
    await steadily(async () => void (await app.is({ sync: "Synced" }, { withinMs: 0 })), 800);
    await stage.kube.edit("ConfigMap", { name: "settings", namespace: stage.namespace }, { data: { color: "red" } });
    await app.is({ sync: "OutOfSync" });
  }),

  scenario("a jq expression that fails makes its object unknown and names itself", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(configMap("settings", { color: "blue" }), configMap("other")),
    });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const ignoreDifferences = [{ group: "", kind: "ConfigMap", name: "settings", jqPathExpressions: [".data["] }];

    await app.edit({ spec: { ignoreDifferences } });

    const found = await app.condition("ComparisonError", ["settings", ".data["]);
    const resources = found.status?.resources ?? [];
    expect(resources.find(({ name }) => name === "settings")?.status).toBe("Unknown");
    expect(resources.find(({ name }) => name === "other")?.status).toBe("Synced");
    await app.edit({ spec: { ignoreDifferences: null } });
    await app.synced();
  }),

  scenario("fields of a named manager are left to it", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(deployment("web", { replicas: 1 }), configMap("settings", { color: "blue" })),
    });
    const app = await stage.application({
      repository,
      spec: { ignoreDifferences: [{ group: "*", kind: "Deploy*", managedFieldsManagers: ["kubectl-edit"] }] },
    });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    await app.synced();

    await stage.kube.edit("Deployment", { name: "web", namespace: stage.namespace }, { spec: { replicas: 2 } });

    await stage.live("Deployment", "web", ({ spec }) => expect(spec).toMatchObject({ replicas: 2 }));
    await steadily(async () => void (await app.is({ sync: "Synced" }, { withinMs: 0 })), 800);
    await stage.kube.edit("ConfigMap", { name: "settings", namespace: stage.namespace }, { data: { color: "red" } });
    await app.is({ sync: "OutOfSync" });
  }),

  scenario("ignored fields are respected by a sync that is told to", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(configMap("settings", { color: "blue", seed: "1" })),
    });
    const app = await stage.application({
      repository,
      syncOptions: ["RespectIgnoreDifferences=true"],
      spec: { ignoreDifferences: [{ group: "", kind: "ConfigMap", jsonPointers: ["/data/seed"] }] },
    });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    await app.synced();
    await stage.kube.edit("ConfigMap", { name: "settings", namespace: stage.namespace }, { data: { seed: "777" } });

    await repository.push({ "all.yaml": manifests(configMap("settings", { color: "green", seed: "1" })) });
    await app.is({ sync: "OutOfSync" });
    await app.sync();

    await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toEqual({ color: "green", seed: "777" }));
    await app.synced();
  }),

  scenario("server-side diff shows what the API server says against it", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(deployment("web", { replicas: 0 })) });
    const app = await stage.application({
      repository,
      annotations: { "argocd.argoproj.io/compare-options": "ServerSideDiff=true" },
    });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    await app.synced();

    const immutable = deployment("web", { replicas: 0 });
    const spec = { ...(immutable["spec"] as JsonObject), selector: { matchLabels: { app: "another" } } };
    await repository.push({ "all.yaml": manifests({ ...immutable, spec }) });

    const found = await app.condition("ComparisonError", ["Deployment", "web", "selector"]);
    expect(found.status?.sync?.status).toBe("Unknown");
    await repository.push({ "all.yaml": manifests(deployment("web", { replicas: 1 })) });
    await app.is({ sync: "OutOfSync" });
    expect((await app.get()).status?.conditions ?? []).toEqual([]);
  }),

  scenario("who changed a field is told, and when", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(deployment("web", { replicas: 0 })) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    await app.synced();

    await stage.kube.edit("Deployment", { name: "web", namespace: stage.namespace }, { spec: { replicas: 1 } });
    await app.is({ sync: "OutOfSync" });

    const drift = await stage.up.api.must<DriftAnswer>("GET", `/api/v1/applications/${app.name}/drift`);
    expect(drift.items).toHaveLength(1);
    expect(drift.items[0]).toMatchObject({ kind: "Deployment", name: "web", status: "OutOfSync" });
    expect(drift.items[0]!.fields).toMatchObject([
      { path: "/spec/replicas", state: "set", live: 1, desired: 0, writers: [{ manager: "kubectl-edit" }] },
    ]);
    expect(Date.parse(drift.items[0]!.fields[0]!.writers[0]!.time!)).toBeGreaterThan(Date.now() - 120_000);
  }),
];
