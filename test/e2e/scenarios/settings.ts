// What the settings say of objects' health, of actions, and of kinds that are left out. Each scenario has a kind of its
// own, for the settings are everybody's.
import { expect } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import {
  configMap,
  deployment,
  field,
  manifests,
  scenario,
  type Scenario,
  type Stage,
} from "../../support/scenario.ts";
import { ownUp } from "./restart.ts";

const group = "settings.e2e.driftless.dev";

function definition(kind: string): KubernetesObject {
  const plural = `${kind.toLowerCase()}s`;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural, singular: kind.toLowerCase() },
      scope: "Namespaced",
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
}

function custom(kind: string, name: string, wave = 0): KubernetesObject {
  return {
    apiVersion: `${group}/v1`,
    kind,
    metadata: { name, annotations: { "argocd.argoproj.io/sync-wave": String(wave) } },
    spec: {},
  };
}

async function given(stage: Stage, kind: string): Promise<string> {
  await stage.kube.create(definition(kind));
  stage.world.later(() => stage.kube.remove("CustomResourceDefinition", `${kind.toLowerCase()}s.${group}`));
  await stage.live(
    "CustomResourceDefinition",
    `${kind.toLowerCase()}s.${group}`,
    (crd) => {
      const established = field(crd, "status", "conditions");
      if (!JSON.stringify(established ?? []).includes("Established")) throw new Error("not established");
    },
    { namespace: "" },
  );
  return `${group}/v1/${kind}`;
}

async function settings(stage: Stage, data: Readonly<Record<string, string | null>>): Promise<void> {
  await stage.kube.edit("ConfigMap", { name: "argocd-cm", namespace: stage.up.namespace }, { data });
  const gone = Object.fromEntries(Object.keys(data).map((key) => [key, null]));
  stage.world.later(async () => {
    await stage.kube.edit("ConfigMap", { name: "argocd-cm", namespace: stage.up.namespace }, { data: gone });
  });
}

const openWhenSaid = `
if obj.status ~= nil and obj.status.open == true then
  return {status = "Healthy", message = "open"}
end
return {status = "Progressing", message = "the gate " .. obj.metadata.name .. " is closed"}
`;

export const settingsScenarios: readonly Scenario[] = [
  scenario("a wave waits for a health check in Lua", async (stage) => {
    const kind = await given(stage, "Gate");
    await settings(stage, { [`resource.customizations.health.${group}_Gate`]: openWhenSaid });
    const repository = await stage.repository({
      "all.yaml": manifests(
        custom("Gate", "first", 1),
        configMap("after", {}, { annotations: { "argocd.argoproj.io/sync-wave": "2" } }),
      ),
    });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });

    await app.sync();

    await app.until((_app, status) => {
      const message = status.operationState?.message ?? "";
      if (!message.includes("Gate/first")) throw new Error(`it says: ${message}`);
    });
    await app.is({ health: "Progressing", phase: "Running" });
    expect(await stage.kube.get("ConfigMap", "after", stage.namespace)).toBe(undefined);
    await stage.kube.edit(kind, { name: "first", namespace: stage.namespace }, { status: { open: true } });
    await stage.live("ConfigMap", "after");
    await app.is({ health: "Healthy", phase: "Succeeded" });
  }),

  scenario("a health check that never ends harms no other", async (stage) => {
    const [loops, calm] = [await given(stage, "Endless"), await given(stage, "Calm")];
    await settings(stage, {
      [`resource.customizations.health.${group}_Endless`]: "while true do end",
      [`resource.customizations.health.${group}_Calm`]: `return {status = "Suspended", message = "calm"}`,
    });
    const bad = await stage.repository({ "a.yaml": manifests(custom("Endless", "a"), custom("Endless", "b")) }, "bad");
    const good = await stage.repository({ "a.yaml": manifests(custom("Calm", "a")) }, "good");
    const endless = await stage.application({ repository: bad, automated: true, suffix: "bad" });
    const fine = await stage.application({ repository: good, automated: true, suffix: "good" });
    await stage.live(loops, "a");
    await stage.live(calm, "a");
    await fine.is({ sync: "Synced", health: "Suspended" });
    await endless.is({ sync: "Synced", health: "Unknown" });
    await endless.condition("ComparisonError", ["Endless", "did not end within 1s"]);

    await settings(stage, { [`resource.customizations.health.${group}_Endless`]: `return {status = "Healthy"}` });

    await endless.is({ sync: "Synced", health: "Healthy" });
  }),

  scenario(
    "what an application owns without desiring it has its health by script, and labels, in the tree",
    async (stage) => {
      const parents = await given(stage, "Parent");
      const children = await given(stage, "Offspring");
      await settings(stage, {
        [`resource.customizations.health.${group}_Offspring`]: openWhenSaid,
        "resource.customLabels": "team",
      });
      const repository = await stage.repository({ "a.yaml": manifests(custom("Parent", "a")) });
      const app = await stage.application({ repository, automated: true });
      const owner = await stage.live(parents, "a");
      await stage.kube.create({
        apiVersion: `${group}/v1`,
        kind: "Offspring",
        metadata: {
          name: "b",
          namespace: stage.namespace,
          labels: { team: "blue", other: "thing" },
          ownerReferences: [
            { apiVersion: `${group}/v1`, kind: "Parent", name: "a", uid: owner.metadata.uid!, controller: true },
          ],
        },
      });
      const child = async (): Promise<Record<string, unknown>> => {
        const tree = await stage.up.api.must<{ nodes: readonly Record<string, unknown>[] }>(
          "GET",
          `/api/v1/applications/${app.name}/resource-tree`,
        );
        return tree.nodes.find((node) => node["kind"] === "Offspring") ?? {};
      };

      await stage.until(async () =>
        expect(await child()).toMatchObject({
          health: { status: "Progressing", message: "the gate b is closed" },
          info: [{ name: "team", value: "blue" }],
        }),
      );
      await stage.kube.edit(children, { name: "b", namespace: stage.namespace }, { status: { open: true } });
      await stage.until(async () =>
        expect(await child()).toMatchObject({ health: { status: "Healthy", message: "open" } }),
      );
      // Only what the application itself brings counts for its own health.
      await app.synced();
    },
  ),

  scenario("an action restarts a Deployment", async (stage) => {
    const repository = await stage.repository({ "web.yaml": manifests(deployment("web")) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const about = `group=apps&version=v1&kind=Deployment&namespace=${stage.namespace}&resourceName=web`;
    const path = `/api/v1/applications/${app.name}/resource/actions`;
    const { actions } = await stage.up.api.must<{ actions: readonly { name: string; disabled?: boolean }[] }>(
      "GET",
      `${path}?${about}`,
    );
    expect(actions.map(({ name, disabled }) => [name, disabled === true])).toEqual([
      ["pause", false],
      ["restart", false],
      ["resume", true],
      ["scale", false],
    ]);

    await stage.up.api.must("POST", `${path}/v2`, {
      ...Object.fromEntries(new URLSearchParams(about)),
      name: app.name,
      action: "restart",
    });

    const restarted = ["spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"];
    await stage.live("Deployment", "web", (object) => expect(field(object, ...restarted)).toMatch(/^20/));
    await app.synced();
    const other = await stage.up.api.call("POST", `${path}/v2`, {
      kind: "Deployment",
      group: "apps",
      namespace: "kube-system",
      resourceName: "web",
      name: app.name,
      action: "restart",
    });
    expect(other.status).toBe(404);
  }),

  scenario("an action in Lua changes the object and makes another", async (stage) => {
    const kind = await given(stage, "Kettle");
    const actions = `
discovery.lua: |
  return {boil = {disabled = obj.spec.on == true, params = {{name = "degrees"}}}}
definitions:
- name: boil
  action.lua: |
    obj.spec.on = true
    local note = {apiVersion = "v1", kind = "ConfigMap", metadata = {name = "note", namespace = obj.metadata.namespace}}
    note.data = {degrees = actionParams["degrees"]}
    return {{operation = "create", resource = note}, {operation = "patch", resource = obj}}
`;
    await settings(stage, { [`resource.customizations.actions.${group}_Kettle`]: actions });
    const repository = await stage.repository({ "a.yaml": manifests(custom("Kettle", "a")) });
    const app = await stage.application({ repository, automated: { prune: false, selfHeal: false } });
    await stage.live(kind, "a");
    await app.is({ sync: "Synced" });
    const run = {
      name: app.name,
      group,
      version: "v1",
      kind: "Kettle",
      namespace: stage.namespace,
      resourceName: "a",
      action: "boil",
      resourceActionParameters: [{ name: "degrees", value: "90" }],
    };
    const path = `/api/v1/applications/${app.name}/resource/actions/v2`;

    await stage.until(() => stage.up.api.must("POST", path, run));

    await stage.live("ConfigMap", "note", (object) => expect(field(object, "data", "degrees")).toBe("90"));
    await stage.live(kind, "a", (object) => expect(field(object, "spec", "on")).toBe(true));
    const again = await stage.up.api.call("POST", path, run);
    expect(again.status).toBe(400);
    expect(JSON.stringify(again.body)).toContain("disabled");
  }),

  scenario("annotations of Secrets are masked where the settings say so", async (stage) => {
    const token = "t0ken-of-the-annotation";
    const secret: KubernetesObject = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s", annotations: { "example.com/token": token, "example.com/other": "shown" } },
      stringData: { password: "a-password" },
    };
    await settings(stage, { "resource.sensitive.mask.annotations": "example.com/token" });
    const repository = await stage.repository({ "a.yaml": manifests(secret) });
    const app = await stage.application({ repository, automated: true });
    await stage.live("Secret", "s");
    await app.synced();
    const base = `/api/v1/applications/${app.name}`;
    for (const path of [
      "/managed-resources",
      `/resource?kind=Secret&version=v1&namespace=${stage.namespace}&resourceName=s`,
      "/manifests",
    ]) {
      const text = JSON.stringify(await stage.up.api.must("GET", base + path));
      expect(text, path).toContain("shown");
      expect(text, path).not.toContain(token);
      expect(text, path).not.toContain("a-password");
    }
  }),

  scenario("a status that goes on changing wakes no application", async (outer) => {
    const { stage, up } = await ownUp(outer);
    const kind = await given(stage, "Churning");
    const repository = await stage.fileRepository({ "a.yaml": manifests(custom("Churning", "a")) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const passes = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${await up.api.token()}` };
      const text = await (await fetch(new URL("/metrics", up.url), { headers })).text();
      const counts = [...text.matchAll(/^argocd_app_reconcile_count(?:\{[^}]*\})? (\d+)/gm)];
      return counts.reduce((sum, match) => sum + Number(match[1]), 0);
    };
    const edit = (body: object): Promise<unknown> =>
      stage.kube.edit(kind, { name: "a", namespace: stage.namespace }, body);
    const before = await passes();
    expect(before).toBeGreaterThan(0);

    for (let tick = 0; tick < 30; tick++) await edit({ status: { tick } });

    await stage.live(kind, "a", (object) => expect(field(object, "status", "tick")).toBe(29));
    // Something of note comes after them all, and is noted.
    await edit({ spec: { byHand: true } });
    await stage.until(async () => expect(await passes()).toBeGreaterThan(before));
    expect((await passes()) - before).toBeLessThan(15);
  }),

  scenario("a kind that is excluded is neither applied nor pruned", async (stage) => {
    const kind = await given(stage, "Hidden");
    const repository = await stage.repository({
      "a.yaml": manifests(custom("Hidden", "a"), configMap("seen")),
    });
    const app = await stage.application({ repository, automated: true });
    await stage.live(kind, "a");
    await app.synced();

    await settings(stage, { "resource.exclusions": `- apiGroups: ["${group}"]\n  kinds: ["Hidden"]\n` });

    await app.condition("ExcludedResourceWarning", ["Hidden a is excluded in the settings"]);
    await app.until((_app, status) => {
      if (status.resources?.some((resource) => resource.kind === "Hidden")) throw new Error("still listed");
    });
    await repository.push({ "a.yaml": manifests(configMap("seen", { other: "value" })) });
    await stage.live("ConfigMap", "seen", (object) => expect(field(object, "data", "other")).toBe("value"));
    await stage.live(kind, "a");
    await settings(stage, { "resource.exclusions": null });
    await stage.gone(kind, "a");
    await app.synced();
  }),
];
