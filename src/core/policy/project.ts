// What an AppProject permits: sources, destinations, kinds, namespaces of applications. Pure; deny by default.
// Source: Argo CD's "Projects", "Applications in any namespace".
import type { AppProject, AppProjectSpec, ApplicationDestination, ResourceMatch } from "#model/application.ts";
import type { GroupKind, ObjectKey } from "#model/object.ts";
import { glob, globAny } from "./glob.ts";

/**
 * A project as it holds: what it says, with what belongs to it by a `project` in the Secret of a repository or cluster.
 * `effective.ts` makes them; a plain `spec` of an AppProject is one to which nothing belongs.
 */
export interface EffectiveSpec extends AppProjectSpec {
  readonly own?: {
    readonly repositories: readonly string[];
    readonly clusters: readonly OwnCluster[];
  };
}

export interface OwnCluster {
  readonly server: string;
  readonly name: string;
  /** Its only namespaces; empty: all. */
  readonly namespaces: readonly string[];
}

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

/**
 * Whether applications of the project may use a repository: some pattern matches, or it is the project's own, and no `!`
 * pattern matches. A list of `!` patterns alone permits all that none of them matches.
 */
export function isSourcePermitted(project: EffectiveSpec, repoURL: string): boolean {
  const url = normaliseRepository(repoURL);
  const patterns = project.sourceRepos ?? [];
  const same = (pattern: string): boolean => pattern === "*" || glob(normaliseRepository(pattern), "/")(url);
  if (patterns.some((pattern) => pattern.startsWith("!") && same(pattern.slice(1)))) return false;
  const allowing = patterns.filter((pattern) => !pattern.startsWith("!"));
  if (allowing.length === 0 && patterns.length > 0) return true;
  return allowing.some(same) || (project.own?.repositories ?? []).some((own) => normaliseRepository(own) === url);
}

/**
 * Whether the project permits a cluster and namespace: some entry matches both, or the cluster is the project's own, and
 * no `!` entry matches. A list of `!` entries alone permits all that they match but for what they negate. Clusters go by
 * address or by name. With `permitOnlyProjectScopedClusters` the cluster has to be the project's own besides.
 */
export function isDestinationPermitted(project: EffectiveSpec, destination: ResolvedDestination): boolean {
  const { server, name, namespace } = destination;
  const mine = project.own?.clusters.find((own) => own.server === server || own.name === name);
  if (project.permitOnlyProjectScopedClusters && !mine) return false;
  const entries = (project.destinations ?? []).map((entry) => {
    const cluster = matchesCluster(entry, destination);
    const place = matchesPart(entry.namespace ?? "", namespace);
    return { denies: cluster.denies || place.denies, cluster, place };
  });
  // A deny holds where everything that it does not negate matches too.
  if (entries.some(({ denies, cluster, place }) => denies && cluster.matches && place.matches)) return false;
  const onlyDenies = entries.every(({ denies }) => denies);
  return (
    entries.some(({ cluster, place, denies }) =>
      onlyDenies
        ? (cluster.denies || cluster.matches) && (place.denies || place.matches)
        : !denies && cluster.matches && place.matches,
    ) ||
    (mine !== undefined && (mine.namespaces.length === 0 || mine.namespaces.includes(namespace)))
  );
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

/** Whether Applications in a namespace count at all: the controller's own, and those that `application.namespaces` names. */
export function isApplicationNamespace(
  patterns: readonly string[],
  namespace: string,
  controllerNamespace: string,
): boolean {
  return namespace === controllerNamespace || matchesNamespace(patterns, namespace);
}

/** So many namespaces are followed one by one; of more, all are. */
const followedOneByOne = 32;

/**
 * Which namespaces have to be followed to see every Application that counts; undefined: all. Names alone are followed one
 * by one: nothing else is read then, and a Role in each suffices.
 */
export function followedNamespaces(patterns: readonly string[], controllerNamespace: string): string[] | undefined {
  const named = patterns.every((pattern) => /^[a-z0-9-]+$/.test(pattern)) && patterns.length < followedOneByOne;
  return named ? [...new Set([controllerNamespace, ...patterns])] : undefined;
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
  const parts = [
    ...(entry.server ? [matchesPart(entry.server, destination.server)] : []),
    ...(entry.name ? [matchesPart(entry.name, destination.name ?? "")] : []),
  ];
  const denying = parts.filter(({ denies }) => denies);
  // An entry with both is met by either; where one of them is negated, by that one.
  return {
    matches: (denying.length > 0 ? denying : parts).some(({ matches }) => matches),
    denies: denying.length > 0,
  };
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
