// What `cluster add` makes on a cluster, and that it takes away no more than that.
import { describe, expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { KubeClient, ObjectRef, ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { installManager, longLivedToken, uninstallManager } from "./cluster-manager.ts";

const op: Operation = { signal: new AbortController().signal, log: silentLogger };
const namespace = "kube-system";
const keyOf = ({ plural }: ResourcePath, { namespace: where = "", name }: ObjectRef): string =>
  `${plural} ${where}/${name}`;

/** A cluster of objects in memory; `fill` is its token controller. */
function cluster(fill?: (secret: KubernetesObject) => KubernetesObject) {
  const objects = new Map<string, KubernetesObject>();
  const refOf = ({ metadata }: KubernetesObject): ObjectRef => ({ ...metadata, name: metadata.name ?? "" });
  const client: Pick<KubeClient, "get" | "create" | "replace" | "delete"> = {
    get: (_op, type, ref) => Promise.resolve(objects.get(keyOf(type, ref))),
    create(_op, type, object) {
      const key = keyOf(type, refOf(object));
      if (objects.has(key)) return Promise.reject(new DriftlessError("ALREADY_EXISTS", `${key} already exists`));
      const stored = type.plural === "secrets" && fill ? fill(object) : object;
      objects.set(key, { ...stored, metadata: { ...stored.metadata, resourceVersion: "1" } });
      return Promise.resolve(object);
    },
    replace(_op, type, object) {
      objects.set(keyOf(type, refOf(object)), object);
      return Promise.resolve(object);
    },
    delete(_op, type, ref) {
      if (objects.delete(keyOf(type, ref))) return Promise.resolve(undefined as never);
      return Promise.reject(new DriftlessError("NOT_FOUND", "not found"));
    },
  };
  return { objects, client };
}

/** Time that goes on only by waiting. */
function clockOf(): Clock {
  let now = 0;
  return {
    now: () => now,
    monotonic: () => now,
    after(delayMs, callback) {
      now += delayMs;
      queueMicrotask(callback);
      return () => {};
    },
  };
}

const silent = (): void => {};

describe("the service account of a cluster", () => {
  test("has every right, and is found again", async () => {
    const { client, objects } = cluster();
    const told: string[] = [];
    for (const _ of [1, 2]) await installManager(op, { client, namespace, namespaces: [] }, (step) => told.push(step));
    expect(told).toEqual([
      'ServiceAccount "kube-system/argocd-manager" created',
      'ClusterRole "argocd-manager-role" created',
      'ClusterRoleBinding "argocd-manager-role-binding" created',
      'ServiceAccount "kube-system/argocd-manager" already exists',
      'ClusterRole "argocd-manager-role" updated',
      'ClusterRoleBinding "argocd-manager-role-binding" updated',
    ]);
    expect(objects.get("clusterroles /argocd-manager-role")).toMatchObject({
      metadata: { resourceVersion: "1" },
      rules: [
        { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
        { nonResourceURLs: ["*"], verbs: ["*"] },
      ],
    });
    expect(objects.get("clusterrolebindings /argocd-manager-role-binding")).toMatchObject({
      roleRef: { kind: "ClusterRole", name: "argocd-manager-role" },
      subjects: [{ kind: "ServiceAccount", name: "argocd-manager", namespace }],
    });
  });

  test("has rights in the namespaces that are named, and nowhere else", async () => {
    const { client, objects } = cluster();
    await installManager(op, { client, namespace, namespaces: ["web", "api"] }, silent);
    expect([...objects.keys()]).toEqual([
      "serviceaccounts kube-system/argocd-manager",
      "roles web/argocd-manager-role",
      "rolebindings web/argocd-manager-role-binding",
      "roles api/argocd-manager-role",
      "rolebindings api/argocd-manager-role-binding",
    ]);
    expect(objects.get("roles web/argocd-manager-role")?.["rules"]).toEqual([
      { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
    ]);
  });

  test("its token is the one that the cluster fills in", async () => {
    const filled = (secret: KubernetesObject): KubernetesObject => ({ ...secret, data: { token: btoa("the-token") } });
    const { client } = cluster(filled);
    const target = { client, namespace, account: "argocd-manager", clock: clockOf() };
    expect(await longLivedToken(op, target)).toBe("the-token");
    expect(await longLivedToken(op, target)).toBe("the-token");
  });

  test("a cluster that makes no token is told so, with what to do", async () => {
    const { client } = cluster();
    await expect(longLivedToken(op, { client, namespace, account: "a", clock: clockOf() })).rejects.toThrow(
      /made no token for service account kube-system\/a within 30 s.*--exec-command/,
    );
  });

  test("a Secret of another account is not taken for its token", async () => {
    const { client } = cluster((secret) => ({
      ...secret,
      metadata: { ...secret.metadata, annotations: { "kubernetes.io/service-account.name": "other" } },
      data: { token: btoa("other") },
    }));
    await expect(longLivedToken(op, { client, namespace, account: "a", clock: clockOf() })).rejects.toThrow(
      /is not the account's/,
    );
  });

  test("goes, with what was made for it; nothing else does, and what is gone is not missed", async () => {
    const { client, objects } = cluster();
    await installManager(op, { client, namespace, namespaces: [] }, silent);
    const type = { group: "", version: "v1", plural: "serviceaccounts", namespaced: true };
    await client.create(op, type, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "other", namespace } });
    const told: string[] = [];
    for (const _ of [1, 2]) await uninstallManager(op, { client, namespace }, (step) => told.push(step));
    expect(told).toHaveLength(3);
    expect([...objects.keys()]).toEqual(["serviceaccounts kube-system/other"]);
  });
});
