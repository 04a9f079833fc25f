// The words that rules are written in, and the few rules that many projects share.
import type { Clause, ConditionTest, FieldTest, HealthRule, Test } from "../rule.ts";

/** A condition of a type and status, and of these reasons where any are given. */
export function condition(type: string, status: string, ...reason: readonly string[]): ConditionTest {
  return { condition: type, status, ...(reason.length > 0 ? { reason } : {}) };
}

/** A field that is one of these texts. */
export function field(path: string, ...texts: readonly string[]): FieldTest {
  return texts.length === 0 ? { field: path } : { field: path, in: texts };
}

export function is(path: string, value: string | number | boolean): FieldTest {
  return { field: path, is: value };
}

type Said = string | { readonly message?: string; readonly messageFrom?: string };

function clause(health: Clause["health"], test: Test | readonly Test[], said: Said | undefined): Clause {
  return { if: test, health, ...(typeof said === "string" ? { message: said } : said) };
}

export const healthy = (test: Test | readonly Test[], said?: Said): Clause => clause("Healthy", test, said);
export const degraded = (test: Test | readonly Test[], said?: Said): Clause => clause("Degraded", test, said);
export const progressing = (test: Test | readonly Test[], said?: Said): Clause => clause("Progressing", test, said);
export const suspended = (test: Test | readonly Test[], said?: Said): Clause => clause("Suspended", test, said);

type More = Partial<Pick<HealthRule, "conditions" | "observed">>;

/** What stands before and in place of the rule's own clauses. */
interface ReadyWish extends More {
  readonly before?: readonly Clause[];
  /** Reasons of a False that pass by themselves. */
  readonly passing?: readonly string[];
  /** A False condition mends by itself as a rule: Progressing. */
  readonly falseIs?: "Degraded" | "Progressing";
  readonly waiting?: string;
}

/** One condition says it all: True is Healthy, False is Degraded, anything else Progressing. */
export function ready(type: string, kinds: readonly string[], source: string, wish: ReadyWish = {}): HealthRule {
  const { before = [], passing = [], falseIs = "Degraded", waiting, ...more } = wish;
  return {
    kinds,
    source,
    ...more,
    when: [
      ...before,
      healthy(condition(type, "True")),
      ...(passing.length > 0 ? [progressing(condition(type, "False", ...passing))] : []),
      { if: condition(type, "False"), health: falseIs },
    ],
    otherwise: { health: "Progressing", message: waiting ?? "Waiting for the controller" },
  };
}

/** A phase says it all. Phases that are not named are Progressing. */
export function phases(
  at: string,
  kinds: readonly string[],
  source: string,
  named: {
    readonly healthy: readonly string[];
    readonly degraded?: readonly string[];
    readonly suspended?: readonly string[];
    readonly messageFrom?: string;
    readonly before?: readonly Clause[];
  } & More,
): HealthRule {
  const { healthy: good, degraded: bad = [], suspended: still = [], messageFrom, before = [], ...more } = named;
  const said = { messageFrom: messageFrom ?? at };
  return {
    kinds,
    source,
    ...more,
    when: [
      ...before,
      ...(good.length > 0 ? [healthy(field(at, ...good), said)] : []),
      ...(bad.length > 0 ? [degraded(field(at, ...bad), said)] : []),
      ...(still.length > 0 ? [suspended(field(at, ...still), said)] : []),
    ],
    otherwise: { health: "Progressing", ...said, message: "Waiting for the controller" },
  };
}
