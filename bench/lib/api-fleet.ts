// The applications of the API bench: as large as usual ones, with a status that nobody keeps up.
import { apiVersion } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";

const syncs = ["Synced", "Synced", "Synced", "OutOfSync", "Unknown"];
const healths = ["Healthy", "Healthy", "Progressing", "Healthy", "Degraded", "Missing"];
const kinds = ["Deployment", "Service", "ConfigMap", "ServiceAccount", "Ingress", "PodDisruptionBudget"];
const revision = "0123456789abcdef0123456789abcdef01234567";
const time = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString().replace(".000", "");

export const nameOf = (index: number): string => `service-${String(index).padStart(5, "0")}`;

export function apiApplication(index: number, version: number): KubernetesObject {
  const team = `team-${index % 40}`;
  const source = {
    repoURL: `https://git.example.com/${team}/config.git`,
    path: `apps/${nameOf(index)}`,
    targetRevision: "main",
  };
  const destination = { name: `cluster-${index % 30}`, namespace: `${team}-${index % 7}` };
  return {
    apiVersion,
    kind: "Application",
    metadata: {
      name: nameOf(index),
      namespace: "argocd",
      labels: { team, tier: index % 2 === 0 ? "web" : "batch", changed: `t${version}` },
      annotations: { "argocd.argoproj.io/skip-reconcile": "true" },
    },
    spec: { project: `project-${index % 25}`, source, destination, syncPolicy: { automated: { prune: true } } },
    status: {
      sync: { status: syncs[index % syncs.length]!, revision, comparedTo: { source, destination } },
      health: { status: healths[index % healths.length]! },
      resources: kinds.map((kind) => ({
        version: "v1",
        kind,
        namespace: destination.namespace,
        name: nameOf(index),
        status: "Synced",
        health: { status: "Healthy" },
      })),
      history: [1, 2, 3].map((id) => ({ id, revision, source, deployedAt: time(id), deployStartedAt: time(id) })),
      operationState: {
        phase: "Succeeded",
        message: "successfully synced (all tasks run)",
        startedAt: time(index % 1000),
        finishedAt: time((index % 1000) + 1),
        operation: { sync: { revision } },
      },
      reconciledAt: time(index % 1000),
    },
  };
}
