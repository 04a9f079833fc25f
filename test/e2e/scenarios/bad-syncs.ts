// What goes wrong while a sync runs: each ends in a message that says what and where, and can be terminated.
import { createServer, type Server } from "node:https";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { JsonObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { credentialsIn } from "../../kubernetes/pki.ts";
import {
  configMap,
  hookJob,
  manifests,
  scenario,
  type AppHandle,
  type Scenario,
  type Stage,
} from "../../support/scenario.ts";

/** An application that syncs once, with one attempt. */
async function tried(stage: Stage, objects: readonly KubernetesObject[], more: JsonObject = {}): Promise<AppHandle> {
  const repository = await stage.repository({ "all.yaml": manifests(...objects) });
  const app = await stage.application({ repository, ...more });
  await app.is({ sync: "OutOfSync" });
  await app.edit({ operation: { initiatedBy: { username: "ada" }, sync: {} } });
  return app;
}

/** Asks for the end of the operation; it must end within five seconds. */
async function terminated(app: AppHandle): Promise<void> {
  await app.edit({ status: { operationState: { phase: "Terminating" } } });
  const { status } = await app.is({ phase: "Failed" }, { withinMs: 5000 });
  expect(status?.operationState?.message).toContain("terminated");
}

const failed = async (app: AppHandle, says: readonly (string | RegExp)[], withinMs = 30_000): Promise<void> => {
  const { status } = await app.is({ phase: "Failed" }, { withinMs });
  for (const part of says) expect(status?.operationState?.message).toMatch(part);
};

const definition = (plural: string, kind: string, names: JsonObject = {}): KubernetesObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.bad.example.com` },
  spec: {
    group: "bad.example.com",
    scope: "Namespaced",
    names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List`, ...names },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
});

/** A webhook that says no to ConfigMaps of one namespace. */
async function rejectingWebhook(stage: Stage): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "driftless-webhook-"));
  const { certFile, keyFile, caCertificate } = await credentialsIn(directory);
  const server: Server = createServer(
    { cert: readFileSync(certFile), key: readFileSync(keyFile) },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const review = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { request: { uid: string } };
        const answer = { uid: review.request.uid, allowed: false, status: { code: 403, message: "team policy: no" } };
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: answer }));
      });
    },
  );
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const name = stage.name;
  stage.world.later(async () => {
    await stage.kube.remove("admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration", name);
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  await stage.kube.create({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: "says.no.example.com",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Fail",
        clientConfig: {
          url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
          caBundle: Buffer.from(caCertificate).toString("base64"),
        },
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": stage.namespace } },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE", "UPDATE"] }],
      },
    ],
  });
}

const many = 5000;

export const badSyncs: readonly Scenario[] = [
  scenario("a hook that never finishes is waited for by name, and ends with the operation", async (stage) => {
    const app = await tried(stage, [hookJob("endless", { hook: "PreSync", runFor: "1h" }), configMap("after")]);
    await app.until((_app, { operationState }) => {
      expect(operationState?.message).toBe("waiting for completion of hook batch/Job/endless");
    });

    await terminated(app);

    await stage.gone("Job", "endless");
    expect(await stage.kube.get("ConfigMap", "after", stage.namespace)).toBeUndefined();
  }),

  scenario(
    "a definition that is never established is named with the reason",
    async (stage) => {
      // Its short name is another's: Kubernetes stores the definition and never serves it.
      const first = definition("firsts", "First");
      const second = definition("seconds", "Second", { shortNames: ["firsts"] });
      await stage.kube.create(first);
      stage.world.later(async () => {
        for (const { metadata } of [first, second]) await stage.kube.remove("CustomResourceDefinition", metadata.name!);
      });
      const object = { apiVersion: "bad.example.com/v1", kind: "Second", metadata: { name: "one" } };

      const app = await tried(stage, [second, object]);

      await failed(app, ["CRD names have not been accepted", "firsts"]);
    },
    { sandbox: "it accepts every definition's names" },
  ),

  scenario(
    "a webhook that rejects is quoted with the object",
    async (stage) => {
      await stage.targetNamespace();
      await rejectingWebhook(stage);

      const app = await tried(stage, [configMap("refused")]);

      await failed(app, ['admission webhook "says.no.example.com" denied the request: team policy: no']);
      const { status } = await app.get();
      expect(status?.operationState?.syncResult?.resources).toMatchObject([{ name: "refused", status: "SyncFailed" }]);
      await app.condition("SyncError", ["team policy: no", "ConfigMap", "refused", "all.yaml:1"]);
    },
    { sandbox: "it calls no webhooks" },
  ),

  scenario("a finalizer that holds what is pruned is named, and the sync can be ended", async (stage) => {
    const repository = await stage.repository({
      "held.yaml": manifests(configMap("held", {}, { finalizers: ["example.com/hold"] })),
      "next.yaml": manifests(configMap("next")),
    });
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const later = { annotations: { "argocd.argoproj.io/sync-wave": "1" } };
    await repository.push({ "held.yaml": null, "next.yaml": manifests(configMap("next", {}, later)) });
    await app.until((_app, { operationState }) => {
      expect(operationState?.message).toBe("waiting for deletion of /ConfigMap/held");
    });

    await terminated(app);

    const at = { name: "held", namespace: stage.namespace };
    await stage.kube.edit("ConfigMap", at, { metadata: { finalizers: null } });
  }),

  scenario("a namespace that is terminating is named", async (stage) => {
    await stage.targetNamespace();
    await stage.kube.create({
      ...configMap("held"),
      metadata: { name: "held", namespace: stage.namespace, finalizers: ["example.com/hold"] },
    });
    await stage.kube.remove("Namespace", stage.namespace);

    const app = await tried(stage, [configMap("late")]);

    await failed(app, [`namespace ${stage.namespace} because it is being terminated`]);
    const at = { name: "held", namespace: stage.namespace };
    await stage.kube.edit("ConfigMap", at, { metadata: { finalizers: null } });
  }),

  scenario("an object too large for client-side apply says what helps, and that helps", async (stage) => {
    const large = (metadata: JsonObject = {}): KubernetesObject =>
      configMap("large", { text: "x".repeat(300_000) }, metadata);
    const repository = await stage.repository({ "all.yaml": manifests(large()) });
    const app = await stage.application({ repository, automated: true, retry: { limit: 0 } });
    await failed(app, ["metadata.annotations: Too long", "ServerSideApply=true"]);

    await repository.push({
      "all.yaml": manifests(large({ annotations: { "argocd.argoproj.io/sync-options": "ServerSideApply=true" } })),
    });

    await stage.live("ConfigMap", "large");
    await app.is({ sync: "Synced", phase: "Succeeded" });
  }),

  scenario("an object of 1.4 MB is refused with the limit", async (stage) => {
    const annotations = { "argocd.argoproj.io/sync-options": "ServerSideApply=true" };
    const huge = configMap("huge", { text: "x".repeat(1_400_000) }, { annotations });

    const app = await tried(stage, [huge]);

    await failed(app, [/Too long|too large|too long/]);
  }),

  scenario("a name too long is refused with the limit", async (stage) => {
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `s${"x".repeat(70)}` },
      spec: { ports: [{ port: 80 }] },
    };

    const app = await tried(stage, [service]);

    await failed(app, ["63"]);
    await app.condition("SyncError", ["Service", service.metadata.name, "all.yaml:1"]);
  }),

  scenario(`an application of ${many} objects syncs, and its status can be kept`, async (stage) => {
    const objects = Array.from({ length: many }, (_, index) =>
      configMap(`one-of-many-${String(index).padStart(4, "0")}`),
    );
    const repository = await stage.repository({ "all.yaml": manifests(...objects) });
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" }, { withinMs: 60_000 });

    await app.edit({ operation: { initiatedBy: { username: "ada" }, sync: {} } });

    const { status } = await app.is({ sync: "Synced", phase: "Succeeded" }, { withinMs: 120_000, everyMs: 500 });
    expect(status?.resources).toHaveLength(many);
    const live = await stage.kube.list("ConfigMap", stage.namespace);
    expect(live.filter(({ metadata }) => metadata.name?.startsWith("one-of-many-"))).toHaveLength(many);
  }),
];
