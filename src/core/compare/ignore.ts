// ignoreDifferences, compiled: which rules hold for an object, and which places of its versions they take out of a
// comparison. Source: Argo CD's "Diff customization".
import type { IgnoreDifference } from "#model/application.ts";
import type { KubernetesObject, ObjectKey } from "#model/object.ts";
import { fieldsOfEntry, noFields, union } from "#core/merge/fields.ts";
import type { Fields } from "#core/merge/fields.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { parsePointer } from "./paths.ts";
import type { Steps } from "./paths.ts";
import { joined, placesOf, placesOfFields } from "./places.ts";
import type { Places } from "./places.ts";

export interface IgnoreRule {
  readonly group: string;
  readonly kind: string;
  /** "" is any. */
  readonly name: string;
  readonly namespace: string;
  /** Of its JSON pointers. */
  readonly places: Places | undefined;
  /** Field managers whose fields are left to them. */
  readonly managers: readonly string[];
  /** For an engine that tells which places of an object they name: see Selected. */
  readonly jqPathExpressions: readonly string[];
}

/**
 * Compiles an application's (or the settings') rules. `*` and `?` are wildcards in group, kind, name and namespace; in
 * pointers a `*` step is any key or element.
 */
export function compileIgnore(rules: readonly IgnoreDifference[]): readonly IgnoreRule[] {
  return rules.map((rule) => ({
    group: rule.group ?? "",
    kind: rule.kind,
    name: rule.name ?? "",
    namespace: rule.namespace ?? "",
    places: placesOf((rule.jsonPointers ?? []).map(parsePointer)),
    managers: rule.managedFieldsManagers ?? [],
    jqPathExpressions: rule.jqPathExpressions ?? [],
  }));
}

/** The rules that hold for an object. */
export function rulesFor(rules: readonly IgnoreRule[], key: ObjectKey): readonly IgnoreRule[] {
  return rules.filter(
    (rule) =>
      globMatches(rule.group, key.group) &&
      globMatches(rule.kind, key.kind) &&
      (rule.name === "" || globMatches(rule.name, key.name)) &&
      (rule.namespace === "" || globMatches(rule.namespace, key.namespace)),
  );
}

/** Whether a rule can hold for objects of a kind. */
export function concernsKind(rule: IgnoreRule, kind: { readonly group: string; readonly kind: string }): boolean {
  return globMatches(rule.group, kind.group) && globMatches(rule.kind, kind.kind);
}

function globMatches(glob: string, text: string): boolean {
  if (glob === text || glob === "*") return true;
  if (!/[*?]/.test(glob)) return false;
  const escaped = glob.replace(/[\\^$.+()[\]{}|/]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(text);
}

/** What the rules' jq expressions name in each version of one object, as steps. */
export interface Selected {
  readonly live: readonly Steps[];
  readonly desired: readonly Steps[];
  readonly lastApplied?: readonly Steps[];
  /** In the answer of a server-side dry run. */
  readonly answer?: readonly Steps[];
}

/** What a comparison leaves out of each version of one object. */
export interface Ignored {
  readonly live: Places | undefined;
  readonly desired: Places | undefined;
  readonly lastApplied: Places | undefined;
  readonly answer: Places | undefined;
}

export interface Versions {
  readonly live: KubernetesObject;
  readonly desired: KubernetesObject;
  readonly lastApplied?: KubernetesObject | undefined;
  readonly answer?: KubernetesObject | undefined;
}

/**
 * Takes the rules that hold for an object, what their jq expressions named, and its versions; returns what is left out
 * of each, or undefined where that is nothing. Rules by manager need the live object's managedFields of those managers.
 */
export function ignoredPlaces(
  rules: readonly IgnoreRule[],
  selected: Selected | undefined,
  versions: Versions,
  schema: TypeSchema,
): Ignored | undefined {
  if (rules.length === 0 && selected === undefined) return undefined;
  let fixed: Places | undefined;
  for (const rule of rules) fixed = joined(fixed, rule.places);
  const owned = ownedBy(rules, versions.live);
  const { live } = versions;
  const of = (value: KubernetesObject | undefined, steps: readonly Steps[] | undefined): Places | undefined => {
    let places = joined(fixed, placesOf(steps ?? []));
    if (owned !== undefined && value !== undefined)
      places = joined(places, placesOfFields(value, value === live ? versions.desired : live, owned, schema));
    return places;
  };
  const ignored: Ignored = {
    live: of(live, selected?.live),
    desired: of(versions.desired, selected?.desired),
    lastApplied: of(versions.lastApplied, selected?.lastApplied),
    answer: of(versions.answer, selected?.answer),
  };
  return (ignored.live ?? ignored.desired ?? ignored.lastApplied ?? ignored.answer) ? ignored : undefined;
}

function ownedBy(rules: readonly IgnoreRule[], live: KubernetesObject): Fields | undefined {
  const managers = new Set(rules.flatMap((rule) => rule.managers));
  if (managers.size === 0) return undefined;
  let owned: Fields = noFields;
  for (const entry of live.metadata.managedFields ?? [])
    if (managers.has(entry.manager)) owned = union(owned, fieldsOfEntry(entry));
  return owned.children === undefined ? undefined : owned;
}
