// The engine's small evaluators, typed: templates, expr, Lua, jq, CEL and semver constraints, many items in one round
// trip. One item's failure is that item's outcome.
import type { DriftlessError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { engineFailure } from "./failures.ts";
import type { EngineFailure } from "./frames.ts";
import type { EnginePool } from "./pool.ts";

/** One item's value, or why there is none. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: DriftlessError };

export interface TemplateItem {
  readonly text: string;
  readonly data: Json;
  /** As Go's template.Option: `missingkey=error`. */
  readonly options?: readonly string[];
  /** Delimiters, both or neither. */
  readonly left?: string;
  readonly right?: string;
}

export interface LuaItem {
  readonly script: string;
  /** Set before the script runs: `obj`, `actionParams`. */
  readonly globals: JsonObject;
  /** Opens the text and number libraries too (Argo CD's useOpenLibs); files and programs stay closed. */
  readonly allLibraries?: boolean;
}

export interface Evaluators {
  /** Go templates with sprig: each item's text. */
  templates(op: Operation, items: readonly TemplateItem[]): Promise<readonly Outcome<string>[]>;
  /** expr-lang expressions over named values. */
  expr(op: Operation, items: readonly { text: string; data: JsonObject }[]): Promise<readonly Outcome<Json>[]>;
  /** CEL expressions over named values. */
  cel(op: Operation, items: readonly { text: string; data: JsonObject }[]): Promise<readonly Outcome<Json>[]>;
  /** jq queries: each item's list of values. `timeoutMs` is for each item; without it, the request's own deadline holds. */
  jq(
    op: Operation,
    items: readonly { text: string; data: Json }[],
    options?: { readonly timeoutMs?: number },
  ): Promise<readonly Outcome<readonly Json[]>[]>;
  /** Lua 5.1 scripts: what each returns, within a second. */
  lua(op: Operation, items: readonly LuaItem[]): Promise<readonly Outcome<Json>[]>;
  /** The versions that a constraint accepts, the highest first, as they were written. */
  semver(
    op: Operation,
    items: readonly { constraint: string; versions: readonly string[] }[],
  ): Promise<readonly Outcome<readonly string[]>[]>;
}

/** Errors of the calls themselves are the pool's: ENGINE_MISSING, CANCELLED, RENDER_TIMEOUT, … */
export function createEvaluators(pool: EnginePool): Evaluators {
  const evaluate = async <T>(
    op: Operation,
    kind: string,
    items: readonly unknown[],
    shared: Readonly<Record<string, unknown>> = {},
  ): Promise<readonly Outcome<T>[]> => {
    if (items.length === 0) return [];
    const bytes = await pool.run(op, { kind, params: { ...shared, items } });
    const outcomes = JSON.parse(bytes.toString("utf8")) as { value?: T; error?: EngineFailure }[];
    return outcomes.map(({ value, error }) =>
      error ? { ok: false, error: engineFailure(error) } : { ok: true, value: (value ?? null) as T },
    );
  };
  return {
    templates: (op, items) => evaluate(op, "gotemplate", items),
    expr: (op, items) => evaluate(op, "expr", items),
    cel: (op, items) => evaluate(op, "cel", items),
    jq: (op, items, options = {}) => evaluate(op, "jq", items, { ...options }),
    lua: (op, items) => {
      // Thousands of objects have a few scripts: each text goes over once.
      const scripts = [...new Set(items.map(({ script }) => script))];
      const place = new Map(scripts.map((script, index) => [script, index]));
      const slim = items.map(({ script, ...rest }) => ({ of: place.get(script), ...rest }));
      return evaluate(op, "lua", slim, { scripts });
    },
    semver: (op, items) => evaluate(op, "semver", items),
  };
}
