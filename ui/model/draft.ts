// The form of a new application, and the resource that it stands for. Pure.
import { apiVersion, finalizer, inClusterServer } from "#model/names.ts";

export interface ApplicationDraft {
  /** `NAME`, or `NAMESPACE/NAME` for one outside the controller's namespace. */
  readonly name: string;
  readonly project: string;
  readonly repo: string;
  readonly path: string;
  readonly revision: string;
  /** A cluster's name or its server's address. */
  readonly cluster: string;
  readonly namespace: string;
  readonly automated: boolean;
  readonly prune: boolean;
  readonly selfHeal: boolean;
  readonly createNamespace: boolean;
  readonly cascade: boolean;
}

export const emptyDraft: ApplicationDraft = {
  name: "",
  project: "default",
  repo: "",
  path: "",
  revision: "HEAD",
  cluster: "in-cluster",
  namespace: "",
  automated: true,
  prune: true,
  selfHeal: true,
  createNamespace: true,
  cascade: false,
};

export function applicationOf(draft: ApplicationDraft): unknown {
  const { cluster } = draft;
  const destination =
    cluster === "in-cluster" || cluster === ""
      ? { server: inClusterServer }
      : cluster.includes("://")
        ? { server: cluster }
        : { name: cluster };
  const automated = draft.automated ? { automated: { prune: draft.prune, selfHeal: draft.selfHeal } } : {};
  const options = draft.createNamespace ? { syncOptions: ["CreateNamespace=true"] } : {};
  const policy = { ...automated, ...options };
  const [name = "", namespace] = draft.name.trim().split("/").reverse();
  return {
    apiVersion,
    kind: "Application",
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(draft.cascade ? { finalizers: [finalizer.resources] } : {}),
    },
    spec: {
      project: draft.project.trim() || "default",
      source: {
        repoURL: draft.repo.trim(),
        path: draft.path.trim() || ".",
        targetRevision: draft.revision.trim() || "HEAD",
      },
      destination: { ...destination, ...(draft.namespace.trim() ? { namespace: draft.namespace.trim() } : {}) },
      ...(Object.keys(policy).length > 0 ? { syncPolicy: policy } : {}),
    },
  };
}
