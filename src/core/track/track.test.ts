import { describe, expect, test } from "vitest";
import { annotation } from "#model/names.ts";
import type { KubernetesObject, ObjectKey } from "#model/object.ts";
import type { TrackingMethod, TrackingSettings } from "./track.ts";
import {
  formatTrackingId,
  ownerApplication,
  parseTrackingId,
  trackedName,
  trackingProblem,
  withTracking,
} from "./track.ts";

const settings: TrackingSettings = {
  method: "annotation",
  instanceLabelKey: "app.kubernetes.io/instance",
  controllerNamespace: "argocd",
};
const key: ObjectKey = { group: "apps", kind: "Deployment", namespace: "prod", name: "web" };
const role = { group: "rbac.authorization.k8s.io", kind: "ClusterRole", namespace: "", name: "system:node" };

describe("the owner by annotation", () => {
  const table: [string, string, ObjectKey, string | undefined][] = [
    ["its own mark", "web:apps/Deployment:prod/web", key, "web"],
    ["an application in another namespace", "team_web:apps/Deployment:prod/web", key, "team/web"],
    ["a core kind", "web:/ConfigMap:prod/c", { group: "", kind: "ConfigMap", namespace: "prod", name: "c" }, "web"],
    ["a copy under another name", "web:apps/Deployment:prod/web", { ...key, name: "copy" }, undefined],
    ["a copy in another namespace", "web:apps/Deployment:prod/web", { ...key, namespace: "test" }, undefined],
    ["a copy on another kind", "web:apps/Deployment:prod/web", { ...key, kind: "ReplicaSet" }, undefined],
    ["a copy on another group", "web:apps/Deployment:prod/web", { ...key, group: "example.com" }, undefined],
    ["the old extensions group", "web:extensions/Deployment:prod/web", key, "web"],
    ["a name with colons", "web:rbac.authorization.k8s.io/ClusterRole:/system:node", role, "web"],
    [
      "a cluster-scoped object marked with a namespace",
      "web:rbac.authorization.k8s.io/ClusterRole:prod/system:node",
      role,
      "web",
    ],
    ["nonsense", "web", key, undefined],
    ["too few parts", "web:apps/Deployment", key, undefined],
    ["no slash in the kind", "web:Deployment:prod/web", key, undefined],
    ["no slash in the name", "web:apps/Deployment:web", key, undefined],
    ["no application", ":apps/Deployment:prod/web", key, undefined],
    ["empty", "", key, undefined],
  ];
  test.each(table)("%s", (_, mark, key, expected) => {
    expect(ownerApplication({ annotations: { [annotation.trackingId]: mark } }, key, settings)).toBe(expected);
  });

  test("no mark, no owner; the label does not count", () => {
    expect(ownerApplication({}, key, settings)).toBeUndefined();
    expect(ownerApplication({ labels: { "app.kubernetes.io/instance": "web" } }, key, settings)).toBeUndefined();
  });

  test("with an installation id only its own marks count", () => {
    const meta = (id?: string): KubernetesObject["metadata"] => ({
      annotations: {
        [annotation.trackingId]: "web:apps/Deployment:prod/web",
        ...(id ? { [annotation.installationId]: id } : {}),
      },
    });
    const here = { ...settings, installationId: "here" };
    expect(ownerApplication(meta("here"), key, here)).toBe("web");
    expect(ownerApplication(meta("there"), key, here)).toBeUndefined();
    expect(ownerApplication(meta(), key, here)).toBeUndefined();
    expect(ownerApplication(meta("there"), key, settings)).toBe("web");
  });
});

describe("the owner by label", () => {
  const byLabel = { ...settings, method: "label" as const };
  test.each([
    ["web", "web"],
    ["team_web", "team/web"],
    ["", undefined],
    [undefined, undefined],
  ])("%s", (value, expected) => {
    const labels: Record<string, string> = value === undefined ? {} : { "app.kubernetes.io/instance": value };
    expect(ownerApplication({ labels }, key, byLabel)).toBe(expected);
  });

  test("another key", () => {
    const own = { ...byLabel, instanceLabelKey: "example.com/app" };
    expect(ownerApplication({ labels: { "example.com/app": "web" } }, key, own)).toBe("web");
    expect(ownerApplication({ labels: { "app.kubernetes.io/instance": "web" } }, key, own)).toBeUndefined();
  });

  test("what a controller copied the label to is its owner's", () => {
    const labels = { "app.kubernetes.io/instance": "web" };
    const ownerReferences = [{ apiVersion: "v1", kind: "Service", name: "web", uid: "1" }];
    const slice = { group: "discovery.k8s.io", kind: "EndpointSlice", namespace: "prod", name: "web-x1" };
    const endpoints = { group: "", kind: "Endpoints", namespace: "prod", name: "web" };
    expect(ownerApplication({ labels, ownerReferences }, slice, byLabel)).toBeUndefined();
    expect(ownerApplication({ labels, ownerReferences: [] }, slice, byLabel)).toBe("web");
    expect(ownerApplication({ labels }, endpoints, byLabel)).toBeUndefined();
  });

  test("long names do not fit", () => {
    expect(trackingProblem("a".repeat(63), byLabel)).toBeUndefined();
    expect(trackingProblem("a".repeat(64), byLabel)).toContain("64 characters");
    expect(trackingProblem("a".repeat(64), settings)).toBeUndefined();
  });
});

describe("marking", () => {
  const object: KubernetesObject = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "prod", labels: { a: "b" }, annotations: { c: "d" } },
    spec: { template: { metadata: { labels: { a: "b" } } } },
  };
  const methods: TrackingMethod[] = ["annotation", "label", "annotation+label"];

  test.each(methods)("%s: what is marked is owned", (method) => {
    const own = { ...settings, method };
    for (const application of ["web", "team/web", "argocd/web"]) {
      const marked = withTracking(object, application, own);
      expect(ownerApplication(marked.metadata, key, own)).toBe(application.replace("argocd/", ""));
      expect(marked.metadata.labels?.["a"]).toBe("b");
      expect(marked.metadata.annotations?.["c"]).toBe("d");
      expect(marked["spec"]).toBe(object["spec"]);
    }
  });

  test("only the asked mark is set, and the given object stays", () => {
    const before = JSON.stringify(object);
    expect(withTracking(object, "web", settings).metadata.labels).toEqual({ a: "b" });
    expect(withTracking(object, "web", { ...settings, method: "label" }).metadata.annotations).toEqual({ c: "d" });
    expect(JSON.stringify(object)).toBe(before);
  });

  test("the installation id is written too", () => {
    const marked = withTracking(object, "web", { ...settings, installationId: "here" });
    expect(marked.metadata.annotations?.[annotation.installationId]).toBe("here");
  });

  test("a label beside the annotation is cut to what a label can hold", () => {
    const name = `${"a".repeat(62)}-bcd`;
    const both = { ...settings, method: "annotation+label" as const };
    const marked = withTracking(object, name, both);
    expect(marked.metadata.labels?.[settings.instanceLabelKey]).toBe("a".repeat(62));
    expect(ownerApplication(marked.metadata, key, both)).toBe(name);
  });

  test("names as tracking writes them", () => {
    expect(trackedName("web", settings)).toBe("web");
    expect(trackedName("argocd/web", settings)).toBe("web");
    expect(trackedName("team/web", settings)).toBe("team_web");
  });

  test("ids are read as they are written", () => {
    const id = { application: "team_web", ...role };
    expect(parseTrackingId(formatTrackingId(id))).toEqual(id);
  });
});
