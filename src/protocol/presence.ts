// Fields whose zero means something other than their absence. On the wire most clients write every plain field, also
// where it is empty; as JSON, Kubernetes leaves empty fields out, except these, which Argo CD's types keep as pointers or
// write always.

/** Fields that Argo CD's types keep as pointers. */
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

/** Fields that the resources' definitions require: Argo CD's types write them always, empty or not. */
const required: Readonly<Record<string, readonly string[]>> = {
  ApplicationCondition: ["message", "type"],
  ApplicationDestinationServiceAccount: ["defaultServiceAccount", "server"],
  ApplicationSetApplicationStatus: ["application", "message", "status", "step"],
  ApplicationSetCondition: ["message", "reason", "status", "type"],
  ApplicationSource: ["repoURL"],
  BasicAuthBitbucketServer: ["username"],
  ClusterResourceRestrictionItem: ["group", "kind"],
  ConfigMapKeyRef: ["configMapName", "key"],
  DrySource: ["path", "repoURL", "targetRevision"],
  DuckTypeGenerator: ["configMapRef"],
  EnvEntry: ["name", "value"],
  GitDirectoryGeneratorItem: ["path"],
  GitFileGeneratorItem: ["path"],
  GitGenerator: ["repoURL", "revision"],
  GroupKind: ["group", "kind"],
  HydrateOperation: ["message", "phase"],
  HydrateTo: ["targetBranch"],
  Info: ["name", "value"],
  JWTToken: ["iat"],
  JsonnetVar: ["name", "value"],
  KustomizeReplica: ["name"],
  LabelSelectorRequirement: ["key", "operator"],
  OperationState: ["phase"],
  PluginConfigMapRef: ["name"],
  ProjectRole: ["name"],
  PullRequestGeneratorAzureDevOps: ["organization", "project", "repo"],
  PullRequestGeneratorBitbucket: ["owner", "repo"],
  PullRequestGeneratorBitbucketServer: ["api", "project", "repo"],
  PullRequestGeneratorGitLab: ["project"],
  PullRequestGeneratorGitea: ["api", "owner", "repo"],
  PullRequestGeneratorGithub: ["owner", "repo"],
  ResourceIgnoreDifferences: ["kind"],
  ResourceResult: ["group", "kind", "name", "namespace", "version"],
  RevisionHistory: ["id"],
  SCMProviderGeneratorAzureDevOps: ["organization", "teamProject"],
  SCMProviderGeneratorBitbucket: ["owner", "user"],
  SCMProviderGeneratorBitbucketServer: ["api", "project"],
  SCMProviderGeneratorGitea: ["api", "owner"],
  SCMProviderGeneratorGithub: ["organization"],
  SCMProviderGeneratorGitlab: ["group"],
  SecretRef: ["key", "secretName"],
  SignatureKey: ["keyID"],
  SourceIntegrityGitPolicyGPG: ["mode"],
  SourceIntegrityGitPolicyRepo: ["url"],
  SyncOperationResource: ["kind", "name"],
  SyncOperationResult: ["revision"],
  SyncSource: ["path", "targetBranch"],
  SyncStatus: ["status"],
  TagFilter: ["key"],
};

/** Requests of these packages tell unset from zero in every field. */
const explicitPackages: readonly string[] = ["application", "applicationset"];

/** Takes a message's full name; returns which of its plain fields keep their zero: `all`, or by name. */
export function keepsZero(typeName: string): "all" | ReadonlySet<string> {
  const dot = typeName.lastIndexOf(".");
  if (explicitPackages.includes(typeName.slice(0, dot))) return "all";
  const name = typeName.slice(dot + 1);
  return new Set([...(pointers[name] ?? []), ...(required[name] ?? [])]);
}
