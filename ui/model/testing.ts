// Applications and resources for tests, from a few words.
import type { Application } from "#model/application.ts";

export interface AppWords {
  readonly name: string;
  readonly namespace?: string;
  readonly project?: string;
  readonly sync?: "Synced" | "OutOfSync" | "Unknown";
  readonly health?: "Healthy" | "Progressing" | "Degraded" | "Missing" | "Suspended" | "Unknown";
  readonly version?: number;
  readonly uid?: string;
  readonly repo?: string;
  readonly cluster?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly changedAt?: string;
}

export function application(words: AppWords): Application {
  const { name, namespace = "argocd", sync = "Synced", health = "Healthy", cluster } = words;
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: {
      name,
      namespace,
      uid: words.uid ?? `uid-${name}`,
      resourceVersion: String(words.version ?? 1),
      ...(words.labels ? { labels: words.labels } : {}),
    },
    spec: {
      project: words.project ?? "default",
      source: { repoURL: words.repo ?? "https://git.example.com/team/config.git", path: `apps/${name}` },
      destination: cluster
        ? { name: cluster, namespace: name }
        : { server: "https://kubernetes.default.svc", namespace: name },
    },
    status: {
      sync: { status: sync, revision: "0123456789abcdef0123456789abcdef01234567" },
      health: { status: health },
      ...(words.changedAt
        ? {
            operationState: {
              operation: {},
              phase: "Succeeded",
              startedAt: words.changedAt,
              finishedAt: words.changedAt,
            },
          }
        : {}),
    },
  };
}
