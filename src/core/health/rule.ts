// Health checks as data: a rule says which conditions, phases and fields of a kind's status mean what, in order; the first
// clause that holds decides. One shape for every custom resource; rules/ holds them. Pure.
import { at, isObject, listAt, numberAt, stringAt } from "#base/json.ts";
import type { HealthStatus, HealthStatusCode } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { HealthCheck } from "./check.ts";

/** A condition of the object: there, of this status (any unless told) and one of these reasons (any unless told). */
export interface ConditionTest {
  readonly condition: string;
  readonly status?: string;
  readonly reason?: readonly string[];
  /** A reason that does not count here. */
  readonly unless?: readonly string[];
}

/**
 * A field by its dotted path (`\\.` for a dot within a name; a `*` step takes every entry of a list, and one that fits is
 * enough). Without a further word: it is there.
 */
export interface FieldTest {
  readonly field: string;
  readonly is?: string | number | boolean;
  readonly in?: readonly string[];
  /** Ignoring case, it begins with, or contains, one of these. */
  readonly starts?: readonly string[];
  readonly contains?: readonly string[];
  /** A number lower than the one at this path, or than `otherwise` where there is none. */
  readonly below?: string;
  readonly otherwise?: number;
  /** It is there, were it empty. */
  readonly there?: true;
  /** It is absent, null, empty text, an empty list or an empty mapping. */
  readonly empty?: true;
}

export type Test = ConditionTest | FieldTest;

export interface Clause {
  /** All of these hold. */
  readonly if: Test | readonly Test[];
  readonly health: HealthStatusCode;
  /** For people. Absent: what the deciding condition says, or the field that `messageFrom` names. */
  readonly message?: string;
  readonly messageFrom?: string;
}

export interface HealthRule {
  /** `group/Kind`; `*` stands for any text. */
  readonly kinds: readonly string[];
  /** The project's own page that documents the conditions. */
  readonly source: string;
  /** Where the conditions stand; `status.conditions` unless told. A `*` step takes every entry of a list. */
  readonly conditions?: string;
  /**
   * Whether the controller has seen the present spec: `status` (observedGeneration there, where it is set; the default),
   * `conditions` (each condition has its own, and an outdated one does not count), `required` (as status, and it must be
   * set), `none`.
   */
  readonly observed?: "status" | "conditions" | "required" | "none";
  /** In order: the first whose tests hold decides. */
  readonly when: readonly Clause[];
  /** Where none holds; absent: the kind has no health then. */
  readonly otherwise?: { readonly health: HealthStatusCode; readonly message?: string; readonly messageFrom?: string };
}

interface FoundCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Takes a rule; returns it as a check. Never throws. `decided` is told which clause of `when` decided (-1: none). */
export function checkOf(rule: HealthRule, decided?: (clause: number) => void): HealthCheck {
  const conditionsAt = pathOf(rule.conditions ?? "status.conditions");
  const observed = rule.observed ?? "status";
  const when = rule.when.map((clause) => ({
    tests: Array.isArray(clause.if) ? (clause.if as readonly Test[]) : [clause.if as Test],
    clause,
  }));
  return (object) => {
    if ((observed === "status" || observed === "required") && !isObserved(object, observed === "required"))
      return { status: "Progressing", message: "Waiting for the controller to observe the latest spec" };
    const conditions = conditionsIn(object, conditionsAt, observed === "conditions");
    for (const [index, { tests, clause }] of when.entries()) {
      let deciding: FoundCondition | undefined;
      let holds = true;
      for (const test of tests) {
        if ("condition" in test) {
          const found = conditions.find((condition) => conditionHolds(test, condition));
          if (found === undefined) holds = false;
          else deciding ??= found;
        } else if (!fieldHolds(test, object)) holds = false;
        if (!holds) break;
      }
      if (!holds) continue;
      decided?.(index);
      return result(object, clause, deciding);
    }
    decided?.(-1);
    return rule.otherwise && result(object, rule.otherwise, undefined);
  };
}

function result(
  object: KubernetesObject,
  said: { readonly health: HealthStatusCode; readonly message?: string; readonly messageFrom?: string },
  deciding: FoundCondition | undefined,
): HealthStatus {
  const from = said.messageFrom === undefined ? [] : valuesAt(object, pathOf(said.messageFrom));
  const text =
    from.find((value): value is string => typeof value === "string" && value !== "") ??
    said.message ??
    (deciding && (deciding.message || deciding.reason));
  return text ? { status: said.health, message: text } : { status: said.health };
}

function isObserved(object: KubernetesObject, required: boolean): boolean {
  const seen = at(object, "status", "observedGeneration");
  if (seen === undefined || seen === null || seen === "") return !required;
  return Number(seen) >= (object.metadata.generation ?? 0) || Number.isNaN(Number(seen));
}

function conditionsIn(object: KubernetesObject, path: readonly string[], dated: boolean): readonly FoundCondition[] {
  const found: FoundCondition[] = [];
  for (const list of valuesAt(object, path)) {
    for (const entry of listAt({ list }, "list")) {
      const seen = numberAt(entry, "observedGeneration");
      if (dated && seen !== undefined && seen < (object.metadata.generation ?? 0)) continue;
      const text = (name: string): string => stringAt(entry, name) ?? "";
      // A few projects write booleans, or status in lower case.
      const given = at(entry, "status");
      const status = typeof given === "string" ? given : typeof given === "boolean" ? String(given) : "";
      found.push({
        type: text("type"),
        status: status === "" ? "" : status[0]!.toUpperCase() + status.slice(1),
        reason: text("reason"),
        message: text("message"),
      });
    }
  }
  return found;
}

function conditionHolds(test: ConditionTest, condition: FoundCondition): boolean {
  return (
    condition.type === test.condition &&
    (test.status === undefined || condition.status === test.status) &&
    (test.reason === undefined || test.reason.includes(condition.reason)) &&
    !(test.unless?.includes(condition.reason) ?? false)
  );
}

function valuesAt(object: unknown, path: readonly string[]): readonly unknown[] {
  let values: readonly unknown[] = [object];
  for (const step of path)
    values = values.flatMap((each) => (step === "*" ? listAt({ each }, "each") : [at(each, step)]));
  return values;
}

function fieldHolds(test: FieldTest, object: KubernetesObject): boolean {
  const values = valuesAt(object, pathOf(test.field));
  if (test.empty) return values.every(isEmpty);
  if (test.there) return values.some((value) => value !== undefined && value !== null);
  if (test.below !== undefined) {
    const limit = numberAt(object, ...pathOf(test.below)) ?? test.otherwise;
    const [value] = values;
    return limit !== undefined && (typeof value === "number" ? value : 0) < limit;
  }
  return values.some((value) => {
    if (test.is !== undefined) return value === test.is;
    if (typeof value !== "string") return wordless(test) && !isEmpty(value);
    if (test.in !== undefined) return test.in.includes(value);
    const low = value.toLowerCase();
    if (test.starts !== undefined) return test.starts.some((part) => low.startsWith(part.toLowerCase()));
    if (test.contains !== undefined) return test.contains.some((part) => low.includes(part.toLowerCase()));
    return value !== "";
  });
}

function wordless(test: FieldTest): boolean {
  return test.in === undefined && test.starts === undefined && test.contains === undefined;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

function pathOf(path: string): readonly string[] {
  return path.split(/(?<!\\)\./).map((step) => step.replaceAll("\\.", "."));
}
