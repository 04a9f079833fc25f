// What belongs to a backup, how it is written down, and what bringing it back changes.
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { forBackup, hasLabel, isBackedUpSecret, referencedSecrets, restore } from "./backup.ts";
import { readBackup } from "./backup-file.ts";

const object = (kind: string, metadata: object, rest: object = {}): KubernetesObject => ({
  apiVersion: kind === "Secret" || kind === "ConfigMap" ? "v1" : "argoproj.io/v1alpha1",
  kind,
  metadata: { name: "x", namespace: "argocd", ...metadata },
  ...rest,
});

test("of metadata only what people write is kept, the namespace where it is another", () => {
  const live = {
    resourceVersion: "7",
    uid: "u",
    creationTimestamp: "2026-01-02T03:04:05Z",
    managedFields: [],
    ownerReferences: [],
    labels: { a: "b" },
    annotations: {},
    finalizers: ["f"],
  };
  const app = object("Application", live, { spec: { project: "p" }, status: { sync: {} }, operation: { sync: {} } });
  const kept = { spec: { project: "p" }, status: { sync: {} }, operation: { sync: {} } };
  const metadata = { name: "x", labels: { a: "b" }, finalizers: ["f"] };
  expect(forBackup(app, "argocd")).toEqual({ ...app, metadata, ...kept });
  expect(forBackup(app, "other").metadata).toEqual({ ...metadata, namespace: "argocd" });
});

test.each<readonly [name: string, metadata: object, belongs: boolean]>([
  ["argocd-secret", {}, true],
  ["argocd-initial-admin-secret", {}, false],
  ["repo", { labels: { "argocd.argoproj.io/secret-type": "repository" } }, true],
  ["old", { annotations: { "managed-by": "argocd.argoproj.io" } }, true],
  ["named-in-argocd-cm", {}, true],
  ["tls", { labels: { "app.kubernetes.io/part-of": "argocd" } }, false],
])("the Secret %s %j belongs to a backup: %s", (name, metadata, belongs) => {
  const repositories = [{ url: "https://x/y", passwordSecret: { name: "named-in-argocd-cm", key: "password" } }];
  const referenced = referencedSecrets([repositories, undefined, "text"]);
  expect(isBackedUpSecret(object("Secret", { name, ...metadata }), referenced)).toBe(belongs);
});

describe("bringing an object back", () => {
  const plain = { stopOperation: false, ignoreTracking: false };
  const app = (metadata: object, spec: object, rest: object = {}): KubernetesObject =>
    object("Application", metadata, { spec, ...rest });

  test.each<readonly [what: string, backup: KubernetesObject, live: KubernetesObject, changes: readonly string[]]>([
    ["the same", app({}, { project: "a" }), app({ resourceVersion: "7", uid: "u" }, { project: "a" }), []],
    ["the spec", app({}, { project: "a" }), app({}, { project: "b" }), ["/spec/project"]],
    [
      "labels and finalizers",
      app({ labels: { a: "b" }, finalizers: ["f"] }, {}),
      app({}, {}),
      ["/metadata/labels", "/metadata/finalizers"],
    ],
    [
      "what kubectl notes does not count",
      app({ annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" } }, {}),
      app({}, {}),
      [],
    ],
    [
      "nor do times of the status",
      app({}, {}, { status: { reconciledAt: "1", sync: { status: "Synced" } } }),
      app({}, {}, { status: { reconciledAt: "2", observedAt: "3", sync: { status: "Synced" } } }),
      [],
    ],
    [
      "a status that the backup has not stays",
      app({}, {}),
      app({}, {}, { status: { sync: { status: "Synced" } } }),
      [],
    ],
    [
      "data",
      object("Secret", {}, { data: { a: "1" } }),
      object("Secret", {}, { data: { a: "2", b: "3" } }),
      ["/data/a", "/data/b"],
    ],
    ["an operation goes on", app({}, {}), app({}, {}, { operation: { sync: {} } }), []],
  ])("%s", (_what, backup, live, changes) => {
    expect(restore(backup, live, plain).changes.toSorted()).toEqual(changes.toSorted());
  });

  test("keeps what the cluster alone writes, and ends an operation where that is asked for", () => {
    const live = app(
      { resourceVersion: "7", uid: "u" },
      { project: "b" },
      { operation: { sync: {} }, status: { a: 1 } },
    );
    const wanted = restore(app({ labels: { a: "b" } }, { project: "a" }), live, {
      ...plain,
      stopOperation: true,
    }).object;
    expect(wanted).toEqual(
      app({ resourceVersion: "7", uid: "u", labels: { a: "b" } }, { project: "a" }, { status: { a: 1 } }),
    );
  });

  test("leaves tracking as it is where that is asked for, but adds none", () => {
    const tracked = (id: string): object => ({
      annotations: { "argocd.argoproj.io/tracking-id": id },
      labels: { "app.kubernetes.io/instance": id },
    });
    const options = { ...plain, ignoreTracking: true };
    expect(restore(app(tracked("old"), {}), app(tracked("new"), {}), options).changes).toEqual([]);
    expect(restore(app(tracked("old"), {}), app(tracked("new"), {}), plain).changes).toHaveLength(2);
    expect(restore(app({}, {}), app(tracked("new"), {}), options).changes).not.toEqual([]);
  });
});

test.each<readonly [label: string, has: boolean]>([
  ["team=web", true],
  ["team=other", false],
  ["team", false],
  ["team=", false],
  ["", false],
])("an object labelled team=web has %j: %s", (label, has) => {
  expect(hasLabel(object("Application", { labels: { team: "web" } }), label)).toBe(has);
});

describe("a backup's file", () => {
  test("is read in its order; times are texts, and readable data of Secrets is data", async () => {
    const stream = `---
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {a: YQ==}
stringData: {b: bee}
---
---
{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: x, annotations: {t: 2026-01-02T03:04:05Z}}}
`;
    expect(await readBackup("backup.yaml", stream)).toEqual([
      { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { a: "YQ==", b: "YmVl" } },
      {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Application",
        metadata: { name: "x", annotations: { t: "2026-01-02T03:04:05Z" } },
      },
    ]);
  });

  test.each<readonly [stream: string, why: string]>([
    ["", "backup.yaml holds no objects"],
    ["just text: [", "backup.yaml: line 1: "],
    ["- a", "document 1 of backup.yaml is not a mapping"],
    ["{kind: Secret}", "document 1 of backup.yaml has no apiVersion or no kind"],
    ["{apiVersion: v1, kind: Secret, metadata: {}}", "document 1 of backup.yaml is a Secret without a name"],
    ["{apiVersion: v1, kind: Application, metadata: {name: x}}", "is a Application, which is not part of a backup"],
  ])("%s is refused", async (stream, why) => {
    await expect(readBackup("backup.yaml", stream)).rejects.toThrow(why);
  });
});
