// What an AppProject permits: sources, destinations, kinds, namespaces of applications. Pure; deny by default.
// Source: Argo CD's "Projects", "Applications in any namespace".
import type { AppProject, AppProjectSpec, ApplicationDestination, ResourceMatch } from "#model/application.ts";
import type { GroupKind, ObjectKey } from "#model/object.ts";
import { glob, globAny } from "./glob.ts";

/** A destination with what is known of it: the cluster's address and its name. */
export interface ResolvedDestination {
  readonly server: string;
  readonly name?: string;
  readonly namespace: string;
}

/** The project `default` as it is where nobody wrote one: everything is permitted. */
export const defaultProject: AppProjectSpec = {
  sourceRepos: ["*"],
  destinations: [{ server: "*", namespace: "*" }],
  clusterResourceWhitelist: [{ group: "*", kind: "*" }],
};

/** Whether applications of the project may use a repository: some pattern matches and no `!` pattern does. */
export function isSourcePermitted(project: AppProjectSpec, repoURL: string): boolean {
  const url = normaliseRepository(repoURL);
  let permitted = false;
  for (const pattern of project.sourceRepos ?? []) {
    const denies = pattern.startsWith("!");
    const body = denies ? pattern.slice(1) : pattern;
    const matches = body === "*" || glob(normaliseRepository(body), "/")(url);
    if (!matches) continue;
    if (denies) return false;
    permitted = true;
  }
  return permitted;
}

/**
 * Whether the project permits a cluster and namespace: some entry matches both, and no `!` entry does. An entry that
 * gives a server goes by address, one without by the cluster's name.
 */
export function isDestinationPermitted(project: AppProjectSpec, destination: ResolvedDestination): boolean {
  let permitted = false;
  for (const entry of project.destinations ?? []) {
    const cluster = matchesCluster(entry, destination);
    const namespace = matchesPart(entry.namespace ?? "", destination.namespace);
    // A deny holds where everything that it does not negate matches too.
    const denies = cluster.denies || namespace.denies;
    if (!cluster.matches || !namespace.matches) continue;
    if (denies) return false;
    permitted = true;
  }
  return permitted;
}

/**
 * Whether the project permits a kind. Cluster-scoped kinds must be on the whitelist and not on the blacklist.
 * Namespaced kinds are permitted unless blacklisted, or unless there is a whitelist that lacks them.
 */
export function isKindPermitted(project: AppProjectSpec, kind: GroupKind, namespaced: boolean, name?: string): boolean {
  if (namespaced) {
    const whitelist = project.namespaceResourceWhitelist;
    const allowed = whitelist === undefined || listed(whitelist, kind);
    return allowed && !listed(project.namespaceResourceBlacklist ?? [], kind);
  }
  return (
    listed(project.clusterResourceWhitelist ?? [], kind, name) &&
    !listed(project.clusterResourceBlacklist ?? [], kind, name)
  );
}

/**
 * Whether the project permits one object on one cluster: its kind, and for namespaced ones their namespace. Returns the
 * reason against it; undefined where it is permitted.
 */
export function whyForbidden(
  project: AppProject,
  object: ObjectKey,
  namespaced: boolean,
  destination: ResolvedDestination,
): string | undefined {
  const { spec } = project;
  const name = project.metadata.name ?? "";
  if (!isKindPermitted(spec, object, namespaced, object.name)) {
    return `resource ${object.group}:${object.kind} is not permitted in project ${name}`;
  }
  if (namespaced && !isDestinationPermitted(spec, { ...destination, namespace: object.namespace })) {
    return `namespace ${object.namespace} is not permitted in project '${name}'`;
  }
  return undefined;
}

/** Whether Application resources in a namespace may belong to the project; the controller's own always may. */
export function isSourceNamespacePermitted(
  project: AppProjectSpec,
  namespace: string,
  controllerNamespace: string,
): boolean {
  return namespace === controllerNamespace || matchesNamespace(project.sourceNamespaces, namespace);
}

// Patterns between slashes are regular expressions, as in `--application-namespaces`.
function matchesNamespace(patterns: readonly string[] | undefined, namespace: string): boolean {
  for (const pattern of patterns ?? []) {
    if (pattern.length > 2 && pattern.startsWith("/") && pattern.endsWith("/")) {
      if (testExpression(pattern.slice(1, -1), namespace)) return true;
    } else if (globAny([pattern], namespace)) return true;
  }
  return false;
}

function testExpression(source: string, text: string): boolean {
  try {
    return new RegExp(source, "u").test(text);
  } catch {
    return false;
  }
}

function matchesCluster(entry: ApplicationDestination, destination: ResolvedDestination): PartMatch {
  if (entry.server) return matchesPart(entry.server, destination.server);
  if (entry.name) return matchesPart(entry.name, destination.name ?? "");
  return { matches: false, denies: false };
}

interface PartMatch {
  readonly matches: boolean;
  readonly denies: boolean;
}

function matchesPart(pattern: string, text: string): PartMatch {
  const denies = pattern.startsWith("!");
  return { matches: globAny([denies ? pattern.slice(1) : pattern], text), denies };
}

function listed(list: readonly ResourceMatch[], kind: GroupKind, name?: string): boolean {
  return list.some(
    (entry) =>
      globAny([entry.group], kind.group) &&
      globAny([entry.kind], kind.kind) &&
      (!entry.name || (name !== undefined && globAny([entry.name], name))),
  );
}

/** One form for the ways to write a repository's URL: scp form, case of the host, `.git`, trailing slash. */
export function normaliseRepository(url: string): string {
  let text = url.trim();
  const scp = /^([\w.-]+@)([\w.-]+):(?!\/)(.*)$/.exec(text);
  if (scp !== null) text = `ssh://${scp[1]}${scp[2]}/${scp[3]}`;
  return text
    .toLowerCase()
    .replace(/\/+$/, "")
    .replace(/\.git$/, "");
}
