// Fields whose zero means something other than their absence. On the wire most clients write every plain field, also
// where it is empty; as JSON, Kubernetes leaves empty fields out, except these, which Argo CD's types keep as pointers.

const pointers: Readonly<Record<string, readonly string[]>> = {
  ApplicationSetSyncPolicy: ["applicationsSync", "preserveResourcesOnDeletion"],
  ApplicationSourcePluginParameter: ["string"],
  // Argo CD writes the project also where it is empty, and definitions require it.
  ApplicationSpec: ["project", "revisionHistoryLimit"],
  Backoff: ["factor"],
  Cluster: ["shard"],
  DuckTypeGenerator: ["requeueAfterSeconds"],
  GitGenerator: ["requeueAfterSeconds"],
  ListMeta: ["remainingItemCount"],
  ObjectMeta: ["deletionGracePeriodSeconds"],
  OrphanedResourcesMonitorSettings: ["warn"],
  OwnerReference: ["blockOwnerDeletion", "controller"],
  PluginGenerator: ["requeueAfterSeconds"],
  PullRequestGenerator: ["requeueAfterSeconds"],
  PullRequestGeneratorFilter: ["branchMatch", "targetBranchMatch", "titleMatch"],
  SCMProviderGenerator: ["requeueAfterSeconds"],
  SCMProviderGeneratorFilter: ["branchMatch", "labelMatch", "repositoryMatch"],
  SCMProviderGeneratorGitlab: ["includeSharedProjects"],
  SyncPolicyAutomated: ["enabled"],
};

/** Requests of these packages tell unset from zero in every field. */
const explicitPackages: readonly string[] = ["application", "applicationset"];

/** Takes a message's full name; returns which of its plain fields keep their zero: `all`, or by name. */
export function keepsZero(typeName: string): "all" | ReadonlySet<string> {
  const dot = typeName.lastIndexOf(".");
  if (explicitPackages.includes(typeName.slice(0, dot))) return "all";
  return new Set(pointers[typeName.slice(dot + 1)]);
}
