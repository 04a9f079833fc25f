// Annotations, labels and finalizers that Argo CD, Helm and kubectl read or write, unchanged. Source: Argo CD's
// "Annotations and Labels used by Argo CD".

export const annotation = {
  syncWave: "argocd.argoproj.io/sync-wave",
  hook: "argocd.argoproj.io/hook",
  hookDeletePolicy: "argocd.argoproj.io/hook-delete-policy",
  syncOptions: "argocd.argoproj.io/sync-options",
  compareOptions: "argocd.argoproj.io/compare-options",
  refresh: "argocd.argoproj.io/refresh",
  trackingId: "argocd.argoproj.io/tracking-id",
  installationId: "argocd.argoproj.io/installation-id",
  manifestGeneratePaths: "argocd.argoproj.io/manifest-generate-paths",
  skipReconcile: "argocd.argoproj.io/skip-reconcile",
  ignoreHealthcheck: "argocd.argoproj.io/ignore-healthcheck",
  ignoreResourceUpdates: "argocd.argoproj.io/ignore-resource-updates",
  deletionApproved: "argocd.argoproj.io/deletion-approved",
  /** On an Application: whose client-side fields server-side apply takes over, beside kubectl's. */
  migrationManager: "argocd.argoproj.io/client-side-apply-migration-manager",
  lastApplied: "kubectl.kubernetes.io/last-applied-configuration",
  /** Ours, on hook objects: which run (operation, attempt, phase) created them, so that no run repeats one. */
  hookRun: "driftless.dev/hook-run",
  /** Ours, on Applications: which applications have to be Synced and Healthy before this one is synced. */
  dependsOn: "driftless.dev/depends-on",
  ignoreRestartPolicy: "argocd.argoproj.io/ignore-restart-policy",
  helmHook: "helm.sh/hook",
  helmHookWeight: "helm.sh/hook-weight",
  helmHookDeletePolicy: "helm.sh/hook-delete-policy",
  helmResourcePolicy: "helm.sh/resource-policy",
} as const;

export const label = {
  secretType: "argocd.argoproj.io/secret-type",
  /** The default of `application.instanceLabelKey`. */
  instance: "app.kubernetes.io/instance",
  appInstance: "argocd.argoproj.io/instance",
} as const;

export const finalizer = {
  resources: "resources-finalizer.argocd.argoproj.io",
  resourcesForeground: "resources-finalizer.argocd.argoproj.io/foreground",
  resourcesBackground: "resources-finalizer.argocd.argoproj.io/background",
  /** Holds the application until its PostDelete hooks ran; `/cleanup` until those are cleaned up. */
  postDelete: "post-delete-finalizer.argocd.argoproj.io",
  preDelete: "pre-delete-finalizer.argocd.argoproj.io",
  /** Holds a hook object until its end was seen. */
  hook: "argocd.argoproj.io/hook-finalizer",
} as const;

/** The address by which applications name the cluster that Driftless itself runs in. */
export const inClusterServer = "https://kubernetes.default.svc";
export const inClusterName = "in-cluster";

export const group = "argoproj.io";
export const version = "v1alpha1";
export const apiVersion = `${group}/${version}`;
/** Field manager of our server-side applies, as Argo CD names itself, so that switching changes no ownership. */
export const fieldManager = "argocd-controller";
