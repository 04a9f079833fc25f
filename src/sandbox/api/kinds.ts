// Which kinds a cluster serves: built-in definitions and those of CustomResourceDefinitions, found by path, by kind,
// and listed by group for discovery. Holds no objects.
import { apiVersionOf, type GroupKind, type KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition } from "../contract.ts";
import { eventsGroup, newEvent } from "./events.ts";

export interface ServedGroup {
  readonly name: string;
  /** Most preferred first. */
  readonly versions: readonly string[];
}

/** The name under which the store keeps a resource, whatever the version: `apps/deployments`. */
export function resourceId(definition: { readonly group: string; readonly plural: string }): string {
  const { group, plural } = definition;
  return group === eventsGroup && plural === "events" ? "/events" : `${group}/${plural}`;
}

export class Kinds {
  private readonly builtins: readonly ResourceDefinition[];
  private readonly custom = new Map<string, readonly ResourceDefinition[]>();
  private readonly listeners = new Set<() => void>();
  private byPath = new Map<string, ResourceDefinition>();
  private byKind = new Map<string, ResourceDefinition>();
  private served: readonly ServedGroup[] = [];
  private counter = 0;

  constructor(builtins: readonly ResourceDefinition[]) {
    this.builtins = builtins;
    this.rebuild();
  }

  /** Grows with every change, for caches. */
  get revision(): number {
    return this.counter;
  }

  find(group: string, version: string, plural: string): ResourceDefinition | undefined {
    return this.byPath.get(`${group}/${version}/${plural}`);
  }

  /** The definition in the version in which objects are kept. */
  stored({ group, kind }: GroupKind): ResourceDefinition | undefined {
    return this.byKind.get(`${group}/${kind}`);
  }

  hasVersion(group: string, version: string): boolean {
    return this.served.some((each) => each.name === group && each.versions.includes(version));
  }

  hasGroup(group: string): boolean {
    return this.served.some((each) => each.name === group);
  }

  /** "" (the core group) first, then groups in the order in which they came, custom ones by name. */
  groups(): readonly ServedGroup[] {
    return this.served;
  }

  inVersion(group: string, version: string): readonly ResourceDefinition[] {
    return this.all().filter((each) => each.group === group && each.version === version);
  }

  all(): readonly ResourceDefinition[] {
    return [...this.byPath.values()];
  }

  /** One definition for each group and kind, in its storage version. */
  storedKinds(): readonly ResourceDefinition[] {
    return [...this.byKind.values()];
  }

  /** Replaces what one CustomResourceDefinition serves; an empty list removes it. */
  setCustom(crdName: string, definitions: readonly ResourceDefinition[]): void {
    if (definitions.length === 0) {
      if (!this.custom.delete(crdName)) return;
    } else {
      this.custom.set(crdName, definitions);
    }
    this.rebuild();
    for (const listener of this.listeners) setImmediate(listener);
  }

  customOf(crdName: string): readonly ResourceDefinition[] {
    return this.custom.get(crdName) ?? [];
  }

  /** Calls back on a later turn after kinds came or went. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private rebuild(): void {
    this.counter++;
    this.byPath = new Map();
    this.byKind = new Map();
    const groups = new Map<string, Set<string>>([["", new Set()]]);
    const custom = [...this.custom].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, definitions]) => definitions);
    for (const definition of [...this.builtins, ...custom]) {
      const { group, version, plural, kind } = definition;
      const path = `${group}/${version}/${plural}`;
      if (this.byPath.has(path)) continue;
      this.byPath.set(path, definition);
      // Where the storage version is not served, any version will do.
      const key = `${group}/${kind}`;
      if ((definition.storageVersion ?? version) === version || !this.byKind.has(key)) this.byKind.set(key, definition);
      const versions = groups.get(group) ?? new Set();
      groups.set(group, versions.add(version));
    }
    this.served = [...groups].map(([name, versions]) => ({ name, versions: [...versions].sort(byPreference) }));
  }
}

/** Kubernetes' order of versions: v2 before v1 before v1beta1 before v1alpha1, then others by text. */
export function byPreference(a: string, b: string): number {
  const [left, right] = [rank(a), rank(b)];
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return (right[i] ?? 0) - (left[i] ?? 0);
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(version: string): readonly number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return [0, 0, 0];
  const stability = match[2] === undefined ? 3 : match[2] === "beta" ? 2 : 1;
  return [stability, Number(match[1]), Number(match[3] ?? 0)];
}

/** The object in the version of `definition`. */
export function inVersionOf(object: KubernetesObject, definition: ResourceDefinition): KubernetesObject {
  const apiVersion = apiVersionOf(definition);
  if (object.apiVersion === apiVersion) return object;
  if (definition.group === eventsGroup && definition.kind === "Event") return newEvent(object, apiVersion);
  return definition.convert?.(object, apiVersion) ?? { ...object, apiVersion };
}
