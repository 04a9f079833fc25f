// Which application depends on which, as an index that is kept up to date change by change: no question walks over all
// applications. Pure: it holds what it is told and asks nobody.
import type { Labels, Selector } from "#model/selector.ts";
import { parseDependsOn, type DependsOn } from "./parse.ts";

export interface GraphApplication {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** The annotation's text. */
  readonly dependsOn: string | undefined;
}

/** All that ask for the same selector in the same namespace, and what it matches now. */
interface Group {
  readonly id: string;
  readonly namespace: string;
  readonly selector: Selector;
  readonly holders: Set<string>;
  readonly members: Set<string>;
}

interface Node {
  readonly application: GraphApplication;
  readonly wish: DependsOn;
  readonly groups: readonly Group[];
}

export class DependencyGraph {
  readonly #nodes = new Map<string, Node>();
  /** Who names an application, whether that exists or not. */
  readonly #namedBy = new Map<string, Set<string>>();
  readonly #groups = new Map<string, Group>();
  /** Groups by namespace and a label that their matches need; those that name none under the namespace alone. */
  readonly #groupsAt = new Map<string, Set<Group>>();
  readonly #byNamespace = new Map<string, Set<string>>();
  /** Applications by namespace and label, from the first selector on: what one matches is looked up, not searched for. */
  #byLabel: Map<string, Set<string>> | undefined;
  #changes = 0;
  /** Applications from which no way leads to a cycle, as far as was asked since the last change of an edge. */
  readonly #acyclic = new Set<string>();

  /**
   * Takes in an application as it is now. Returns the others that depend on something else now. Cycles are told when they
   * are asked for: who stood in one should ask again after any change.
   */
  set(application: GraphApplication): readonly string[] {
    const before = this.#nodes.get(application.key);
    if (before && sameEdges(before.application, application)) return [];
    const touched = new Set<string>();
    const known = before !== undefined;
    const wishChanged = before?.application.dependsOn !== application.dependsOn;
    const wish = wishChanged || !before ? parseDependsOn(application.dependsOn, application.namespace) : before.wish;
    if (before && wishChanged) this.#leave(before);
    const groups = !before || wishChanged ? this.#join(application, wish) : before.groups;
    this.#nodes.set(application.key, { application, wish, groups });
    if (!known) addTo(this.#byNamespace, application.namespace, application.key);
    this.#relabel(application, before?.application);
    for (const group of this.#groupsFor(application, before?.application)) {
      const was = group.members.has(application.key);
      const is = group.selector.matches(application.labels);
      if (was === is) continue;
      if (is) group.members.add(application.key);
      else group.members.delete(application.key);
      for (const holder of group.holders) touched.add(holder);
    }
    if (!known) for (const holder of this.#namedBy.get(application.key) ?? []) touched.add(holder);
    if (wishChanged || touched.size > 0) this.#rewired();
    touched.delete(application.key);
    return [...touched];
  }

  /** An application is gone. Returns those that depended on it. */
  delete(key: string): readonly string[] {
    const node = this.#nodes.get(key);
    if (!node) return [];
    const dependents = this.dependentsOf(key);
    this.#leave(node);
    for (const group of this.#groupsFor(node.application, undefined)) group.members.delete(key);
    removeFrom(this.#byNamespace, node.application.namespace, key);
    this.#relabel(undefined, node.application);
    this.#nodes.delete(key);
    this.#rewired();
    return dependents;
  }

  /** Grows with each change of who depends on whom. */
  get changes(): number {
    return this.#changes;
  }

  /** Whether the application has any dependency written. */
  hasAny(key: string): boolean {
    const wish = this.#nodes.get(key)?.wish;
    return wish !== undefined && wish.names.length + wish.selectors.length + wish.problems.length > 0;
  }

  /** What the application depends on, named ones first; also what does not exist. Itself is left out of selectors. */
  dependenciesOf(key: string): readonly string[] {
    const node = this.#nodes.get(key);
    if (!node) return [];
    if (node.groups.length === 0) return node.wish.names;
    const all = new Set(node.wish.names);
    for (const group of node.groups) for (const member of group.members) if (member !== key) all.add(member);
    return [...all];
  }

  /** Who depends on the application. */
  dependentsOf(key: string): readonly string[] {
    const all = new Set(this.#namedBy.get(key) ?? []);
    const node = this.#nodes.get(key);
    if (node) {
      for (const group of this.#groupsFor(node.application, undefined))
        if (group.members.has(key)) for (const holder of group.holders) if (holder !== key) all.add(holder);
    }
    return [...all];
  }

  /** What cannot be read of the application's annotation. */
  problemsOf(key: string): readonly string[] {
    return this.#nodes.get(key)?.wish.problems ?? [];
  }

  exists(key: string): boolean {
    return this.#nodes.has(key);
  }

  /** The cycle in which the application stands: from itself to itself, by one of the shortest ways; undefined: in none. */
  cycleOf(key: string): readonly string[] | undefined {
    if (this.#leadsToNoCycle(key)) return undefined;
    const cameFrom = new Map<string, string>();
    const queue: string[] = [key];
    for (let at = 0; at < queue.length; at++) {
      const current = queue[at]!;
      for (const next of this.dependenciesOf(current)) {
        if (next === key) return path(cameFrom, key, current);
        if (cameFrom.has(next) || this.#acyclic.has(next)) continue;
        cameFrom.set(next, current);
        queue.push(next);
      }
    }
    return undefined;
  }

  /** Depth first: an application leads to no cycle when none of its dependencies does. Each is walked through once. */
  #leadsToNoCycle(start: string): boolean {
    const entered = new Set<string>([start]);
    const stack = [{ key: start, dependencies: this.dependenciesOf(start), at: 0 }];
    for (let top = stack.at(-1); top !== undefined && !this.#acyclic.has(start); top = stack.at(-1)) {
      const next = top.dependencies[top.at++];
      if (next !== undefined) {
        if (entered.has(next) || this.#acyclic.has(next)) continue;
        entered.add(next);
        stack.push({ key: next, dependencies: this.dependenciesOf(next), at: 0 });
        continue;
      }
      stack.pop();
      if (top.dependencies.every((key) => this.#acyclic.has(key))) this.#acyclic.add(top.key);
    }
    return this.#acyclic.has(start);
  }

  #rewired(): void {
    this.#changes++;
    this.#acyclic.clear();
  }

  #join(application: GraphApplication, wish: DependsOn): readonly Group[] {
    for (const name of wish.names) addTo(this.#namedBy, name, application.key);
    return wish.selectors.map(({ text, selector }) => {
      const id = `${application.namespace} ${text}`;
      let group = this.#groups.get(id);
      if (!group) {
        group = { id, namespace: application.namespace, selector, holders: new Set(), members: new Set() };
        this.#groups.set(id, group);
        addTo(this.#groupsAt, placeOf(group), group);
        const candidates = (selector.needs ? this.#labels() : this.#byNamespace).get(placeOf(group));
        for (const key of candidates ?? []) {
          if (selector.matches(this.#nodes.get(key)!.application.labels)) group.members.add(key);
        }
      }
      group.holders.add(application.key);
      return group;
    });
  }

  #labels(): ReadonlyMap<string, ReadonlySet<string>> {
    if (!this.#byLabel) {
      this.#byLabel = new Map();
      for (const { application } of this.#nodes.values()) this.#relabel(application, undefined);
    }
    return this.#byLabel;
  }

  #relabel(now: GraphApplication | undefined, before: GraphApplication | undefined): void {
    if (!this.#byLabel || (now && before?.labels === now.labels)) return;
    if (before) for (const place of placesOf(before)) removeFrom(this.#byLabel, place, before.key);
    if (now) for (const place of placesOf(now)) addTo(this.#byLabel, place, now.key);
  }

  #leave(node: Node): void {
    for (const name of node.wish.names) removeFrom(this.#namedBy, name, node.application.key);
    for (const group of node.groups) {
      group.holders.delete(node.application.key);
      if (group.holders.size > 0) continue;
      this.#groups.delete(group.id);
      removeFrom(this.#groupsAt, placeOf(group), group);
    }
  }

  /** The groups that could match, or could have matched, by the labels that they need. */
  #groupsFor(application: GraphApplication, before: GraphApplication | undefined): ReadonlySet<Group> {
    const found = new Set<Group>(this.#groupsAt.get(application.namespace) ?? []);
    const places = [...placesOf(application), ...(before ? placesOf(before) : [])];
    for (const place of places) for (const group of this.#groupsAt.get(place) ?? []) found.add(group);
    return found;
  }
}

function path(cameFrom: ReadonlyMap<string, string>, start: string, last: string): readonly string[] {
  const back: string[] = [start];
  for (let at: string | undefined = last; at !== undefined && at !== start; at = cameFrom.get(at)) back.push(at);
  back.push(start);
  return back.reverse();
}

const placeOf = ({ namespace, selector }: Group): string =>
  selector.needs ? `${namespace} ${selector.needs[0]}=${selector.needs[1]}` : namespace;

const placesOf = ({ namespace, labels }: GraphApplication): readonly string[] =>
  Object.entries(labels).map(([name, value]) => `${namespace} ${name}=${value}`);

function sameEdges(a: GraphApplication, b: GraphApplication): boolean {
  if (a.dependsOn !== b.dependsOn) return false;
  if (a.labels === b.labels) return true;
  const names = Object.keys(a.labels);
  return names.length === Object.keys(b.labels).length && names.every((name) => a.labels[name] === b.labels[name]);
}

function addTo<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function removeFrom<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
