// What must stand on the control cluster before anything runs: the custom resources, the namespace, the default project,
// the ConfigMaps. Existing ones are left as they are; definitions are brought up to date.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { at, listAt, sameJson } from "#base/json.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import { applicationCrds } from "#model/crds.ts";
import { apiVersion, group, version } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { defaultProject } from "#core/policy/project.ts";

const crdType: ResourcePath = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  namespaced: false,
};
const namespaceType: ResourcePath = { group: "", version: "v1", plural: "namespaces", namespaced: false };
const configMapType: ResourcePath = { group: "", version: "v1", plural: "configmaps", namespaced: true };
const projectType: ResourcePath = { group, version, plural: "appprojects", namespaced: true };
const establishedWithinMs = 30_000;
const pollMs = 25;

/** Makes what is missing. Errors: CLUSTER_UNREACHABLE, PERMISSION_DENIED with what may not be made. */
export async function bootstrap(op: Operation, control: KubeClient, namespace: string): Promise<void> {
  await Promise.all(applicationCrds().map((crd) => ensureDefinition(op, control, crd)));
  await ensure(op, control, namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const labels = { "app.kubernetes.io/part-of": "argocd" };
  const names = [
    "argocd-cm",
    "argocd-cmd-params-cm",
    "argocd-rbac-cm",
    "argocd-ssh-known-hosts-cm",
    "argocd-tls-certs-cm",
    "argocd-gpg-keys-cm",
  ];
  await Promise.all([
    ...names.map((name) =>
      ensure(op, control, configMapType, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace, labels: { ...labels, "app.kubernetes.io/name": name } },
      }),
    ),
    ensure(op, control, projectType, {
      apiVersion,
      kind: "AppProject",
      metadata: { name: "default", namespace },
      spec: defaultProject,
    }),
  ]);
}

async function ensure(op: Operation, control: KubeClient, type: ResourcePath, object: KubernetesObject): Promise<void> {
  const ref = { name: object.metadata.name!, ...(type.namespaced ? { namespace: object.metadata.namespace! } : {}) };
  if (await control.get(op, type, ref)) return;
  await control.create(op, type, object, { fieldManager: "driftless" }).catch((thrown: unknown) => {
    if (toError(thrown).code !== "ALREADY_EXISTS") throw thrown;
  });
}

async function ensureDefinition(op: Operation, control: KubeClient, crd: KubernetesObject): Promise<void> {
  const ref = { name: crd.metadata.name! };
  let found = await control.get(op, crdType, ref);
  if (!found || !sameJson(at(found, "spec", "versions"), at(crd, "spec", "versions"))) {
    found = await control.patch(
      op,
      crdType,
      ref,
      { type: "apply", body: crd },
      { fieldManager: "driftless", force: true },
    );
  }
  const until = performance.now() + establishedWithinMs;
  while (!isEstablished(found)) {
    if (performance.now() > until)
      throw new DriftlessError("FAILED_PRECONDITION", `the cluster did not establish ${ref.name} in time`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    op.signal.throwIfAborted();
    found = await control.get(op, crdType, ref);
  }
  await served(op, control, crd, until);
}

function isEstablished(crd: KubernetesObject | undefined): boolean {
  return listAt(crd, "status", "conditions").some(
    (condition) => at(condition, "type") === "Established" && at(condition, "status") === "True",
  );
}

/** An established kind is served a moment later. */
async function served(op: Operation, control: KubeClient, crd: KubernetesObject, untilMs: number): Promise<void> {
  const type: ResourcePath = { group, version, plural: at(crd, "spec", "names", "plural") as string, namespaced: true };
  for (;;) {
    try {
      await control.list(op, type, { limit: 1, namespace: "default" });
      return;
    } catch (thrown) {
      if (toError(thrown).details.status !== 404 || performance.now() > untilMs) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
}
