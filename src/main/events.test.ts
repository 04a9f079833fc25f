import { expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import type { KubeClient } from "#kube/types.ts";
import type { AppProject } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import { eventRecorders } from "./events.ts";

const app = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "web", namespace: "argocd", labels: { team: "web" } },
  spec: { project: "shop" },
} as unknown as KubernetesObject;

function written(wanted: string | undefined): readonly KubernetesObject[] {
  const found: KubernetesObject[] = [];
  const create = async (_op: unknown, _type: unknown, object: KubernetesObject): Promise<KubernetesObject> => {
    found.push(object);
    return object;
  };
  const project = (name: string): AppProject =>
    ({ metadata: { name, labels: { cost: "42", other: "x" } } }) as unknown as AppProject;
  const deps = {
    client: { create } as unknown as KubeClient,
    wanted,
    settings: () => ({ eventLabels: { include: ["team", "cost"], exclude: [] } }),
    project,
  };
  const events = eventRecorders({ signal: new AbortController().signal, log: silentLogger }, deps)("argocd-server");
  for (const reason of ["ResourceCreated", "ResourceUpdated"])
    events.record(app, { type: "Normal", reason, message: reason });
  return found;
}

it.for([
  [undefined, ["ResourceCreated", "ResourceUpdated"]],
  ["", ["ResourceCreated", "ResourceUpdated"]],
  ["all", ["ResourceCreated", "ResourceUpdated"]],
  ["none,all", ["ResourceCreated", "ResourceUpdated"]],
  ["none", []],
  ["ResourceUpdated, OperationStarted", ["ResourceUpdated"]],
] as const)("writes the Events that --enable-k8s-event=%s names", ([wanted, reasons]) => {
  expect(written(wanted).map(({ reason }) => reason)).toEqual(reasons);
});

it("gives them the labels of the application and its project that the settings name", () => {
  expect(written("all")[0]!.metadata.labels).toEqual({ team: "web", cost: "42" });
});
