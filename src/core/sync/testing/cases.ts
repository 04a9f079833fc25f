// Builds the objects and inputs of the cases in ../cases from their short form. For tests only.
import type { SyncOperation, SyncResourceRef } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { SyncInput, SyncResource } from "../plan.ts";

export interface PlanCase {
  readonly desired?: readonly string[];
  readonly live?: readonly string[];
  readonly both?: readonly string[];
  readonly "both="?: readonly string[];
  readonly "both~"?: readonly string[];
  readonly liveOptions?: string;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly allowEmpty?: boolean;
  readonly confirmed?: boolean;
  readonly syncOptions?: readonly string[];
  readonly strategy?: SyncOperation["syncStrategy"];
  readonly resources?: readonly SyncResourceRef[];
  readonly unknown?: readonly string[];
  readonly forbidden?: readonly string[];
  /** The application that tracking gives all live objects to. */
  readonly owner?: string;
  readonly liveNamespace?: boolean;
  readonly managedNamespaceMetadata?: { labels?: Record<string, string> };
}

export const apiVersions: Record<string, string> = {
  Deployment: "apps/v1",
  Job: "batch/v1",
  Ingress: "networking.k8s.io/v1",
  Role: "rbac.authorization.k8s.io/v1",
  CustomResourceDefinition: "apiextensions.k8s.io/v1",
  Widget: "example.com/v1",
  Gadget: "example.com/v1",
};
const clusterScoped = new Set(["Namespace", "CustomResourceDefinition"]);
const marks: Record<string, string> = {
  wave: annotation.syncWave,
  hook: annotation.hook,
  policy: annotation.hookDeletePolicy,
  opts: annotation.syncOptions,
  helm: annotation.helmHook,
  weight: annotation.helmHookWeight,
  hdp: annotation.helmHookDeletePolicy,
};

/** One object of the short form. */
export function build(text: string, live: boolean): KubernetesObject {
  const [kind = "", name = "", ...rest] = text.split(" ");
  const annotations: Record<string, string> = {};
  const metadata: Record<string, unknown> = name.endsWith("/") ? { generateName: name.slice(0, -1) } : { name };
  let spec: unknown;
  for (const part of rest) {
    const at = part.indexOf("=");
    const field = part.slice(0, at);
    const value = part
      .slice(at + 1)
      .replaceAll(";", ",")
      .replaceAll("+", " ");
    const mark = marks[field];
    if (mark !== undefined) annotations[mark] = value;
    else if (field === "keep") annotations[annotation.helmResourcePolicy] = "keep";
    else if (field === "ns") metadata["namespace"] = value;
    else if (field === "defines") spec = { group: "example.com", names: { kind: value }, scope: "Namespaced" };
    else throw new Error(part);
  }
  if (live) metadata["uid"] = `uid-${text}`;
  if (live && !clusterScoped.has(kind)) metadata["namespace"] ??= "prod";
  if (Object.keys(annotations).length > 0) metadata["annotations"] = annotations;
  return { apiVersion: apiVersions[kind] ?? "v1", kind, metadata, ...(spec ? { spec } : {}) };
}

function resourcesOf(one: PlanCase): SyncResource[] {
  const pair = (text: string, differs?: boolean): SyncResource => {
    const live = build(text, true);
    if (one.liveOptions) {
      Object.assign(live.metadata, { annotations: { [annotation.syncOptions]: one.liveOptions } });
    }
    const owner = one.owner === undefined ? {} : { owner: one.owner };
    return { desired: build(text, false), live, ...owner, ...(differs === undefined ? {} : { differs }) };
  };
  return [
    ...(one.desired ?? []).map((text) => ({ desired: build(text, false) })),
    ...(one.live ?? []).map((text) => ({ live: build(text, true) })),
    ...(one.both ?? []).map((text) => pair(text)),
    ...(one["both="] ?? []).map((text) => pair(text, false)),
    ...(one["both~"] ?? []).map((text) => pair(text, true)),
  ];
}

/** The input of planSync for a case. */
export function inputOf(one: PlanCase): SyncInput {
  return {
    application: "web",
    namespace: "prod",
    operation: {
      ...(one.prune ? { prune: true } : {}),
      ...(one.dryRun ? { dryRun: true } : {}),
      ...(one.syncOptions ? { syncOptions: one.syncOptions } : {}),
      ...(one.strategy ? { syncStrategy: one.strategy } : {}),
      ...(one.resources ? { resources: one.resources } : {}),
    },
    policy: one.managedNamespaceMetadata ? { managedNamespaceMetadata: one.managedNamespaceMetadata } : {},
    resources: resourcesOf(one),
    revision: "0123456789",
    startedAt: "2026-01-01T00:00:00Z",
    allowEmpty: one.allowEmpty ?? false,
    pruneConfirmed: one.confirmed ?? false,
    ...(one.liveNamespace ? { liveNamespace: build("Namespace prod", true) } : {}),
    kindOf: ({ kind }) => (one.unknown?.includes(kind) ? undefined : { namespaced: !clusterScoped.has(kind) }),
    forbids: ({ kind, group }) =>
      one.forbidden?.includes(kind) ? `resource ${group}:${kind} is not permitted in project demo` : undefined,
  };
}
