// Whose an object is: by annotation, by label, and never by accident.
import { expect } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { steadily } from "../../support/eventually.ts";
import { configMap, deployment, manifests, scenario, Stage, type Scenario } from "../../support/scenario.ts";
import { startUp } from "../../support/up.ts";

const service = (name: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }] },
});

export const tracking: readonly Scenario[] = [
  scenario("objects that merely look like the application's are left alone", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings")) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const { metadata } = await stage.live("ConfigMap", "settings");
    const trackingId = metadata.annotations?.["argocd.argoproj.io/tracking-id"];
    expect(trackingId).toBe(`${app.name}:/ConfigMap:${stage.namespace}/settings`);

    const copied = { "argocd.argoproj.io/tracking-id": trackingId! };
    const labelled = { "app.kubernetes.io/instance": app.name };
    await stage.kube.create(configMap("copy", {}, { namespace: stage.namespace, annotations: copied }));
    await stage.kube.create(configMap("labelled", {}, { namespace: stage.namespace, labels: labelled }));
    await repository.push({ "all.yaml": manifests(configMap("settings", { color: "green" })) });

    await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toEqual({ color: "green" }));
    const { status } = await app.synced();
    expect(status?.resources).toHaveLength(1);
    await steadily(async () => {
      await stage.live("ConfigMap", "copy", undefined, { withinMs: 0 });
      await stage.live("ConfigMap", "labelled", undefined, { withinMs: 0 });
    }, 500);
  }),

  scenario("two applications that want the same object are told so", async (stage) => {
    const repository = await stage.repository({
      "one/all.yaml": manifests(configMap("shared", { from: "one" })),
      "two/all.yaml": manifests(configMap("shared", { from: "two" }), configMap("own")),
    });
    const one = await stage.application({ suffix: "one", repository, path: "one", automated: true });
    await one.synced();

    const two = await stage.application({ suffix: "two", repository, path: "two", cascade: "foreground" });

    await two.condition("SharedResourceWarning", ["ConfigMap", "shared", one.name, two.name]);
    await two.is({ sync: "OutOfSync" });
    expect((await one.synced()).status?.conditions ?? []).toEqual([]);
    await two.remove();
    await stage.until(async () => expect(await two.find()).toBeUndefined());
    await stage.live("ConfigMap", "shared", ({ data }) => expect(data).toEqual({ from: "one" }));
    await one.synced();
  }),

  scenario("an object that was there before is taken over by a sync", async (stage) => {
    await stage.targetNamespace();
    await stage.kube.create(configMap("settings", { color: "red", mine: "yes" }, { namespace: stage.namespace }));
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings", { color: "blue" })) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });

    await app.sync();

    await app.synced();
    await stage.live("ConfigMap", "settings", ({ data }) => expect(data).toEqual({ color: "blue", mine: "yes" }));
  }),

  scenario("tracking by label, for an installation of its own", async (outer) => {
    const namespace = `${outer.name}-argocd`;
    await outer.targetNamespace(namespace);
    const labels = { "app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": "argocd-cm" };
    const settings = { "application.resourceTrackingMethod": "label" };
    await outer.kube.create(configMap("argocd-cm", settings, { namespace, labels }));
    const up = await startUp({ kubeconfig: outer.up.kubeconfig, namespace, demo: false });
    outer.world.later(() => up.stop());
    const stage = new Stage({ ...outer.world, up }, outer.name);
    const repository = await stage.fileRepository({
      "all.yaml": manifests(configMap("settings"), deployment("web"), service("web")),
      "going.yaml": manifests(configMap("going")),
    });

    const app = await stage.application({ repository, automated: true });

    await app.synced();
    const { metadata } = await stage.live("ConfigMap", "settings");
    expect(metadata.labels).toMatchObject({ "app.kubernetes.io/instance": app.name });
    expect(metadata.annotations).not.toHaveProperty("argocd.argoproj.io/tracking-id");
    // Endpoints take over their Service's labels, ReplicaSets their template's: they are nobody's but their owner's.
    await stage.until(async () => expect(await stage.kube.list("Pod", stage.namespace)).toHaveLength(1));
    await steadily(async () => {
      const { status } = await app.get();
      expect(status?.sync?.status).toBe("Synced");
      const kinds = status?.resources?.map(({ kind }) => kind).toSorted();
      expect(kinds).toEqual(["ConfigMap", "ConfigMap", "Deployment", "Service"]);
    }, 2_500);
    const others = { "app.kubernetes.io/instance": "somebody-else" };
    await stage.kube.create(configMap("others", {}, { namespace: stage.namespace, labels: others }));
    await repository.push({ "going.yaml": null });
    await app.refresh();
    await stage.gone("ConfigMap", "going");
    await app.synced();
    await stage.live("ConfigMap", "others");
    await stage.live("Service", "web");
    await up.stop();
  }),
];
