// Orphaned resources of the namespaces that applications deploy to, found once for all applications of a project, cluster and
// namespace, and again only when an object without an owner came, went or changed hands there.
import { isOrphan, warnsOfOrphans } from "#core/policy/orphans.ts";
import type { LiveEntry } from "#kube/live.ts";
import type { AppProject, ApplicationCondition } from "#model/application.ts";
import type { ObjectKey } from "#model/object.ts";
import type { DestinationCluster } from "../deps.ts";
import type { AppState } from "../state.ts";

export interface OrphansOptions {
  /** Whether an application manages the object: by its tracking, or because one desires it. */
  managed(cluster: DestinationCluster, entry: LiveEntry): boolean;
  /** The namespace's orphans have changed for an application. */
  changed(key: string): void;
}

interface Group {
  readonly cluster: DestinationCluster;
  readonly namespace: string;
  readonly members: Set<string>;
  /** What was found for a project's spec; another spec, or a change in the namespace, asks anew. */
  readonly found: WeakMap<AppProject["spec"], readonly LiveEntry[]>;
}

export class Orphans {
  readonly #options: OrphansOptions;
  readonly #groups = new Map<string, Group>();
  readonly #groupOf = new Map<string, string>();

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  /** The orphans of the namespace that an application deploys to; undefined where its project does not ask. */
  of(state: AppState, project: AppProject): readonly LiveEntry[] | undefined {
    const { cluster, app } = state;
    const namespace = app.spec.destination.namespace ?? "";
    if (!cluster || namespace === "" || project.spec.orphanedResources === undefined) {
      this.forget(state.key);
      return undefined;
    }
    const group = this.#join(state.key, cluster, namespace);
    let found = group.found.get(project.spec);
    if (!found) group.found.set(project.spec, (found = this.#find(group, project)));
    return found;
  }

  conditions(state: AppState, project: AppProject | undefined): readonly ApplicationCondition[] {
    const found = project && this.of(state, project);
    if (!project || !found?.length || !warnsOfOrphans(project.spec)) return [];
    return [{ type: "OrphanedResourceWarning", message: `Application has ${found.length} orphaned resources` }];
  }

  /** Takes in a change of a live object. */
  liveChanged(cluster: DestinationCluster, before: LiveEntry | undefined, after: LiveEntry | undefined): void {
    if (this.#groups.size === 0) return;
    const entry = (after ?? before)!;
    const group = this.#groups.get(placeOf(cluster, entry.key));
    if (!group) return;
    if (before && after && before.tag === after.tag && (before.owners.length === 0) === (after.owners.length === 0))
      return;
    if (entry.owners.length > 0 && (before === undefined || before.owners.length > 0)) return;
    this.#again(group);
  }

  /** An application desires other objects now, or is gone: what is nobody's may be another. */
  desiresChanged(cluster: DestinationCluster, keys: Iterable<ObjectKey>): void {
    if (this.#groups.size === 0) return;
    const groups = new Set<Group>();
    for (const key of keys) {
      const group = this.#groups.get(placeOf(cluster, key));
      if (group) groups.add(group);
    }
    for (const group of groups) this.#again(group);
  }

  forget(key: string): void {
    const id = this.#groupOf.get(key);
    if (id === undefined) return;
    this.#groupOf.delete(key);
    const group = this.#groups.get(id);
    group?.members.delete(key);
    if (group?.members.size === 0) this.#groups.delete(id);
  }

  #join(key: string, cluster: DestinationCluster, namespace: string): Group {
    const id = `${cluster.server} ${namespace}`;
    if (this.#groupOf.get(key) !== id) this.forget(key);
    let group = this.#groups.get(id);
    if (!group || group.cluster !== cluster) {
      group = { cluster, namespace, members: group?.members ?? new Set(), found: new WeakMap() };
      this.#groups.set(id, group);
    }
    group.members.add(key);
    this.#groupOf.set(key, id);
    return group;
  }

  #find({ cluster, namespace }: Group, project: AppProject): readonly LiveEntry[] {
    const found: LiveEntry[] = [];
    for (const entry of cluster.cache.inNamespace(namespace)) {
      if (entry.owners.length > 0 || this.#options.managed(cluster, entry)) continue;
      if (isOrphan(project.spec, entry.key)) found.push(entry);
    }
    return found;
  }

  #again(group: Group): void {
    this.#groups.set(`${group.cluster.server} ${group.namespace}`, { ...group, found: new WeakMap() });
    for (const key of group.members) this.#options.changed(key);
  }
}

const placeOf = (cluster: DestinationCluster, key: ObjectKey): string => `${cluster.server} ${key.namespace}`;
