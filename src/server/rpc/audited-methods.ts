// Which methods of the API write, what each is about, and the Event that it leaves there, by the service definitions. What
// is not in the list but can be reached by POST, PUT, PATCH or DELETE counts as a write of nobody knows what.
// Source of the Events' reasons and texts: Argo CD's audit log (util/argo/audit_logger.go and its callers).
import { isObject, listAt, stringAt } from "#base/json.ts";
import { sourcesOf, type Application } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";

export type AuditedKind = "Application" | "AppProject" | "ApplicationSet";

/** What a call is about. */
export interface Subject {
  readonly kind: AuditedKind | "Account" | "Repository" | "Credentials" | "Cluster" | "Certificate" | "GnuPGKey";
  readonly name: string;
  readonly namespace?: string;
  /** What of it: an object of an application, a token. */
  readonly part?: string;
}

interface Write {
  subject(request: object): Subject;
  /** Reason and what was done, after the name of who did it; undefined: no event. `before`: the object as it was. */
  event?(request: object, answer: object, before: KubernetesObject | undefined): Told | undefined;
}

interface Told {
  readonly reason: string;
  readonly what: string;
}

/** Methods that are not GET and yet change nothing. */
export const asks: ReadonlySet<string> = new Set([
  "ApplicationService.getManifestsWithFiles",
  "ApplicationSetService.generate",
  "RepositoryService.getAppDetails",
  "RepositoryService.validateAccess",
  "RepositoryService.validateWriteAccess",
]);

const first = (request: object, ...paths: readonly string[]): string => {
  for (const path of paths) {
    const found = stringAt(request, ...path.split("."));
    if (found) return found;
  }
  return "";
};

const application = (request: object): Subject => {
  const kind = first(request, "kind");
  const object = kind && [first(request, "group"), kind, first(request, "resourceName")].join("/");
  const part = [first(request, "action"), object].filter(Boolean).join(" of ");
  return {
    kind: "Application",
    name: first(request, "application.metadata.name", "name"),
    namespace: first(request, "application.metadata.namespace", "appNamespace"),
    ...(part ? { part } : {}),
  };
};
const project = (request: object): Subject => {
  const role = first(request, "role");
  return {
    kind: "AppProject",
    name: first(request, "project.metadata.name", "project", "name"),
    ...(role ? { part: `role ${role}` } : {}),
  };
};
const applicationSet = (request: object): Subject => ({
  kind: "ApplicationSet",
  name: first(request, "applicationset.metadata.name", "name"),
  namespace: first(request, "applicationset.metadata.namespace", "appsetNamespace"),
});
const account = (request: object): Subject => ({
  kind: "Account",
  name: first(request, "username", "name"),
  ...(first(request, "id") ? { part: `token ${first(request, "id")}` } : {}),
});
const repository = (request: object): Subject => ({
  kind: "Repository",
  name: first(request, "repo.repo", "repo.url", "repo"),
});
const credentials = (request: object): Subject => ({ kind: "Credentials", name: first(request, "creds.url", "url") });
const cluster = (request: object): Subject => ({
  kind: "Cluster",
  name: first(request, "cluster.server", "id.value", "server", "name"),
});
const certificate = (request: object): Subject => ({
  kind: "Certificate",
  name:
    first(request, "hostNamePattern") ||
    listAt(request, "certificates", "items")
      .flatMap((item) => stringAt(item, "serverName") ?? [])
      .join(", "),
});
const gnuPGKey = (request: object): Subject => ({ kind: "GnuPGKey", name: first(request, "keyID") });

const tell = (reason: string, what: string) => () => ({ reason, what });
/** What is there already is updated, or left as it is. */
const created =
  (what: string, otherwise: string): Write["event"] =>
  (_request, answer, before) => {
    if (!before) return { reason: "ResourceCreated", what: `created ${what}` };
    const same = stringAt(answer, "metadata", "resourceVersion") === before.metadata.resourceVersion;
    return same ? undefined : { reason: "ResourceUpdated", what: otherwise };
  };
const updated = (what: string): Write["event"] => tell("ResourceUpdated", what);
const deleted = (what: string): Write["event"] => tell("ResourceDeleted", `deleted ${what}`);

const resource = (request: object): string =>
  `${first(request, "group")}/${first(request, "kind")} '${first(request, "resourceName")}'`;

const initiated: Write["event"] = (request, answer) => {
  const partial = listAt(request, "resources").length > 0 ? "partial " : "";
  const local = listAt(request, "manifests").length > 0;
  return { reason: "OperationStarted", what: `initiated ${partial}sync ${local ? "locally" : `to ${target(answer)}`}` };
};

/** Where a sync goes, as it was asked for and what that is now. */
function target(answer: object): string {
  const { spec, operation } = answer as Application;
  const { revision = "", revisions = [] } = operation?.sync ?? {};
  const sources = isObject(spec) ? sourcesOf(spec) : [];
  return sources
    .map(({ targetRevision }, index) => {
      const [asked, now] = [targetRevision || "HEAD", revisions[index] ?? revision];
      return now && now !== asked ? `${asked} (${now})` : asked;
    })
    .join(",");
}

const acted: Write["event"] = (request) => {
  const [action, group, kind, name] = ["action", "group", "kind", "resourceName"].map((field) => first(request, field));
  return { reason: "ResourceActionRan", what: `ran action ${action} on resource ${group}/${kind}/${name}` };
};

/** By `Service.method`. */
export const writes: Readonly<Record<string, Write>> = {
  "AccountService.updatePassword": { subject: account },
  "AccountService.createToken": { subject: account },
  "AccountService.deleteToken": { subject: account },

  "ApplicationService.create": { subject: application, event: created("application", "updated application spec") },
  "ApplicationService.update": { subject: application, event: updated("updated application spec") },
  "ApplicationService.updateSpec": { subject: application, event: updated("updated application spec") },
  "ApplicationService.patch": { subject: application, event: updated("updated application spec") },
  "ApplicationService.delete": { subject: application, event: deleted("application") },
  "ApplicationService.sync": { subject: application, event: initiated },
  "ApplicationService.rollback": {
    subject: application,
    event: (request) => ({
      reason: "OperationStarted",
      what: `initiated rollback to ${(request as { readonly id?: number }).id ?? 0}`,
    }),
  },
  "ApplicationService.terminateOperation": { subject: application, event: updated("terminated running operation") },
  "ApplicationService.patchResource": {
    subject: application,
    event: (request) => ({ reason: "ResourceUpdated", what: `patched resource ${resource(request)}` }),
  },
  "ApplicationService.deleteResource": {
    subject: application,
    event: (request) => ({ reason: "ResourceDeleted", what: `deleted resource ${resource(request)}` }),
  },
  "ApplicationService.runResourceAction": { subject: application, event: acted },
  "ApplicationService.runResourceActionV2": { subject: application, event: acted },

  "ApplicationSetService.create": {
    subject: applicationSet,
    event: (request, answer, before) =>
      (request as { readonly dryRun?: boolean }).dryRun
        ? undefined
        : created("ApplicationSet", "updated ApplicationSets spec")!(request, answer, before),
  },
  "ApplicationSetService.delete": { subject: applicationSet, event: deleted("ApplicationSets") },

  "CertificateService.createCertificate": { subject: certificate },
  "CertificateService.deleteCertificate": { subject: certificate },

  "ClusterService.create": { subject: cluster },
  "ClusterService.update": { subject: cluster },
  "ClusterService.delete": { subject: cluster },
  "ClusterService.rotateAuth": { subject: cluster },
  "ClusterService.invalidateCache": { subject: cluster },

  "GPGKeyService.create": { subject: gnuPGKey },
  "GPGKeyService.delete": { subject: gnuPGKey },

  "ProjectService.create": { subject: project, event: created("project", "updated project") },
  "ProjectService.update": { subject: project, event: updated("updated project") },
  "ProjectService.delete": { subject: project, event: deleted("project") },
  "ProjectService.createToken": { subject: project, event: tell("ResourceCreated", "created token") },
  "ProjectService.deleteToken": { subject: project, event: deleted("token") },

  "RepoCredsService.createRepositoryCredentials": { subject: credentials },
  "RepoCredsService.createWriteRepositoryCredentials": { subject: credentials },
  "RepoCredsService.updateRepositoryCredentials": { subject: credentials },
  "RepoCredsService.updateWriteRepositoryCredentials": { subject: credentials },
  "RepoCredsService.deleteRepositoryCredentials": { subject: credentials },
  "RepoCredsService.deleteWriteRepositoryCredentials": { subject: credentials },

  "RepositoryService.create": { subject: repository },
  "RepositoryService.createRepository": { subject: repository },
  "RepositoryService.createWriteRepository": { subject: repository },
  "RepositoryService.update": { subject: repository },
  "RepositoryService.updateRepository": { subject: repository },
  "RepositoryService.updateWriteRepository": { subject: repository },
  "RepositoryService.delete": { subject: repository },
  "RepositoryService.deleteRepository": { subject: repository },
  "RepositoryService.deleteWriteRepository": { subject: repository },

  "SessionService.create": { subject: account },
  "SessionService.delete": { subject: () => ({ kind: "Account", name: "" }) },
};

/** What Argo CD notes at an event: who, and where an application goes. */
export function eventAnnotations(about: KubernetesObject, username: string): Readonly<Record<string, string>> {
  const destination = about.kind === "Application" ? (about as Application).spec?.destination : undefined;
  return {
    ...(destination ? { "dest-server": destination.server ?? "", "dest-namespace": destination.namespace ?? "" } : {}),
    ...(username ? { user: username } : {}),
  };
}
