// The service account that a cluster is reached by: made on the cluster itself, with the rights that syncing needs, and
// removed from it. Names follow `argocd cluster add`, so that either program finds what the other made.
import { DriftlessError, toError } from "#base/errors.ts";
import { at, stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { decodeBase64 } from "#model/repository.ts";

type ManagerClient = Pick<KubeClient, "get" | "create" | "replace" | "delete">;

interface Target {
  readonly client: ManagerClient;
  /** Where the service account stands. */
  readonly namespace: string;
  /** What it may change; empty: everything. */
  readonly namespaces: readonly string[];
}

export const managerAccount = "argocd-manager";
const roleName = "argocd-manager-role";
const bindingName = "argocd-manager-role-binding";
const rbac = "rbac.authorization.k8s.io";
const [tokenWithinMs, pollMs] = [30_000, 200] as const;

const core = (plural: string): ResourcePath => ({ group: "", version: "v1", plural, namespaced: true });
const ofRbac = (plural: string, namespaced: boolean): ResourcePath => ({
  group: rbac,
  version: "v1",
  plural,
  namespaced,
});

/** Makes the account with its rights, or brings its rights up to date; tells each step. Errors: those of the cluster. */
export async function installManager(op: Operation, target: Target, tell: (step: string) => void): Promise<void> {
  const { client, namespace, namespaces } = target;
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: managerAccount, namespace } };
  await put(op, client, core("serviceaccounts"), account, tell);
  const subjects = [{ kind: "ServiceAccount", name: managerAccount, namespace }];
  const everything = { apiGroups: ["*"], resources: ["*"], verbs: ["*"] };
  const scopes = namespaces.length === 0 ? [undefined] : namespaces;
  for (const scope of scopes) {
    const kind = scope === undefined ? "ClusterRole" : "Role";
    const where = scope === undefined ? {} : { namespace: scope };
    const role = {
      apiVersion: `${rbac}/v1`,
      kind,
      metadata: { name: roleName, ...where },
      rules: scope === undefined ? [everything, { nonResourceURLs: ["*"], verbs: ["*"] }] : [everything],
    };
    const binding = {
      apiVersion: `${rbac}/v1`,
      kind: `${kind}Binding`,
      metadata: { name: bindingName, ...where },
      roleRef: { apiGroup: rbac, kind, name: roleName },
      subjects,
    };
    const plural = scope === undefined ? "clusterroles" : "roles";
    await put(op, client, ofRbac(plural, scope !== undefined), role, tell);
    await put(op, client, ofRbac(`${plural.slice(0, -1)}bindings`, scope !== undefined), binding, tell);
  }
}

async function put(
  op: Operation,
  client: ManagerClient,
  type: ResourcePath,
  object: KubernetesObject,
  tell: (step: string) => void,
): Promise<void> {
  const { name = "", namespace } = object.metadata;
  const what = `${object.kind} "${namespace === undefined ? name : `${namespace}/${name}`}"`;
  try {
    await client.create(op, type, object, { fieldManager: "driftless" });
    tell(`${what} created`);
  } catch (thrown) {
    if (toError(thrown).code !== "ALREADY_EXISTS") throw thrown;
    // Another role cannot be bound by changing a binding; the one of this name binds ours or is refused by the cluster.
    if (object.kind === "ServiceAccount") {
      tell(`${what} already exists`);
      return;
    }
    const before = await client.get(op, type, { name, ...(namespace === undefined ? {} : { namespace }) });
    const resourceVersion = before?.metadata.resourceVersion;
    const metadata = { ...before?.metadata, ...object.metadata, ...(resourceVersion ? { resourceVersion } : {}) };
    await client.replace(op, type, { ...object, metadata }, { fieldManager: "driftless" });
    tell(`${what} updated`);
  }
}

/**
 * The token of a service account, from the Secret `ACCOUNT-long-lived-token`, which is made where it is missing and which
 * the cluster fills. Error: FAILED_PRECONDITION where the cluster does not fill it in time.
 */
export async function longLivedToken(
  op: Operation,
  target: Pick<Target, "client" | "namespace"> & { readonly account: string; readonly clock: Clock },
): Promise<string> {
  const { client, namespace, account, clock } = target;
  const name = `${account}-long-lived-token`;
  const annotations = { "kubernetes.io/service-account.name": account };
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, annotations },
    type: "kubernetes.io/service-account-token",
  };
  await client.create(op, core("secrets"), secret, { fieldManager: "driftless" }).catch((thrown: unknown) => {
    if (toError(thrown).code !== "ALREADY_EXISTS") throw thrown;
  });
  const until = clock.monotonic() + tokenWithinMs;
  for (;;) {
    const found = await client.get(op, core("secrets"), { namespace, name });
    const owner: unknown = at(found, "metadata", "annotations", "kubernetes.io/service-account.name");
    if (found && owner !== account)
      throw new DriftlessError(
        "FAILED_PRECONDITION",
        `the Secret ${namespace}/${name} is not the account's: delete it`,
      );
    const token = decodeBase64(stringAt(found, "data", "token") ?? "");
    if (token) return token;
    if (clock.monotonic() > until)
      throw new DriftlessError(
        "FAILED_PRECONDITION",
        `the cluster made no token for service account ${namespace}/${account} within ${tokenWithinMs / 1000} s; ` +
          "where it makes none, give --exec-command or --aws-cluster-name",
      );
    await new Promise<void>((resolve) => clock.after(pollMs, resolve));
    op.signal.throwIfAborted();
  }
}

/** Removes what `installManager` made for the whole cluster; what is not there is not missed. */
export async function uninstallManager(
  op: Operation,
  target: Pick<Target, "client" | "namespace">,
  tell: (step: string) => void,
): Promise<void> {
  const { client, namespace } = target;
  const parts = [
    [ofRbac("clusterrolebindings", false), "ClusterRoleBinding", { name: bindingName }],
    [ofRbac("clusterroles", false), "ClusterRole", { name: roleName }],
    [core("serviceaccounts"), "ServiceAccount", { name: managerAccount, namespace }],
    [core("secrets"), "Secret", { name: `${managerAccount}-long-lived-token`, namespace }],
  ] as const;
  for (const [type, kind, ref] of parts) {
    try {
      await client.delete(op, type, ref);
      tell(`${kind} "${ref.name}" deleted`);
    } catch (thrown) {
      if (toError(thrown).code !== "NOT_FOUND") throw thrown;
    }
  }
}
