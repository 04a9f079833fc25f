// ignoreDifferences, compiled: which rules hold for an object, and which of its fields they take out of a comparison.
// Source: Argo CD's "Diff customization".
import type { IgnoreDifference } from "#model/application.ts";
import type { ManagedFieldsEntry, ObjectKey } from "#model/object.ts";
import { fieldsFromV1 } from "#core/merge/fields.ts";
import type { Fields } from "#core/merge/fields.ts";
import { removeFields } from "#core/merge/typed.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { parsePointer, withoutPath } from "./paths.ts";
import type { Steps } from "./paths.ts";

export interface IgnoreRule {
  readonly group: string;
  readonly kind: string;
  /** "" is any. */
  readonly name: string;
  readonly namespace: string;
  readonly pointers: readonly Steps[];
  /** Field managers whose fields are left to them. */
  readonly managers: readonly string[];
  /** For an engine that turns them into pointers of an object: see CompareSettings.jqPointers. */
  readonly jqPathExpressions: readonly string[];
}

/** Compiles an application's (or the settings') rules. `*` in group and kind matches any text, in pointers any step. */
export function compileIgnore(rules: readonly IgnoreDifference[]): readonly IgnoreRule[] {
  return rules.map((rule) => ({
    group: rule.group ?? "",
    kind: rule.kind,
    name: rule.name ?? "",
    namespace: rule.namespace ?? "",
    pointers: (rule.jsonPointers ?? []).map(parsePointer).filter((steps) => steps.length > 0),
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
      (rule.name === "" || rule.name === key.name) &&
      (rule.namespace === "" || rule.namespace === key.namespace),
  );
}

function globMatches(glob: string, text: string): boolean {
  if (!glob.includes("*")) return glob === text;
  const parts = glob.split("*");
  let at = parts[0]!.length;
  if (!text.startsWith(parts[0]!)) return false;
  const last = parts.at(-1)!;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** What a comparison leaves out of one object. */
export interface Ignored {
  readonly pointers: readonly Steps[];
  readonly fields: readonly Fields[];
}

/** Takes the rules that hold, further pointers (from jq expressions) and the live object's managedFields. */
export function ignoredFields(
  rules: readonly IgnoreRule[],
  jqPointers: readonly string[],
  managedFields: readonly ManagedFieldsEntry[] | undefined,
): Ignored | undefined {
  const pointers = [...rules.flatMap((rule) => rule.pointers), ...jqPointers.map(parsePointer)];
  const managers = new Set(rules.flatMap((rule) => rule.managers));
  const fields: Fields[] = [];
  if (managers.size > 0)
    for (const entry of managedFields ?? [])
      if (managers.has(entry.manager)) fields.push(leavesOf(fieldsFromV1(entry.fieldsV1)));
  return pointers.length === 0 && fields.length === 0 ? undefined : { pointers, fields };
}

/** Only what a manager set itself, not the objects around it. */
function leavesOf(set: Fields): Fields {
  if (set.children === undefined) return set;
  const children = new Map<string, Fields>();
  for (const [element, child] of set.children) children.set(element, leavesOf(child));
  return { own: false, children };
}

/** The object without what is left out. */
export function withoutIgnored<T>(object: T, ignored: Ignored, schema: TypeSchema): T {
  let result: unknown = object;
  for (const steps of ignored.pointers) result = withoutPath(result, steps);
  for (const fields of ignored.fields) result = removeFields(result, fields, schema) ?? {};
  return result as T;
}
