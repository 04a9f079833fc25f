// Whether an update of a live object is a reason to look at its application: by core/refresh's rules, and never where its
// health changed. What rules say in jq, the engine answers; while it can't, every update counts.
import type { Logger, Operation as Op } from "#base/operation.ts";
import { sameJson, type Json } from "#base/json.ts";
import type { Clock } from "#base/ports.ts";
import { sameForRefresh, updateRules, withoutIgnored, type UpdateRules } from "#core/refresh/updates.ts";
import type { LiveEntry } from "#kube/live.ts";
import type { Settings } from "#model/settings.ts";
import type { Evaluators } from "#render/engine/evaluate.ts";
import type { CustomHealth } from "../tree/custom-health.ts";

export interface UpdateFilterOptions {
  readonly op: Op;
  readonly log: Logger;
  readonly clock: Clock;
  readonly evaluators: Pick<Evaluators, "jq">;
  readonly health: Pick<CustomHealth, "isCustom" | "of" | "offer">;
  settings(): Settings;
}

interface Asked {
  /** Both versions, without what is ignored by paths. */
  readonly versions: readonly [Json, Json];
  readonly query: string;
  readonly wake: () => void;
}

/** How long updates are gathered for one question to the engine. */
const gatherMs = 50;

export class UpdateFilter {
  readonly #options: UpdateFilterOptions;
  #settings: Settings | undefined;
  #rules: UpdateRules | undefined;
  #asked: Asked[] = [];

  constructor(options: UpdateFilterOptions) {
    this.#options = options;
  }

  /** Whether the update counts. Where that takes a question to the engine, the answer is no, and `wake` follows if it does. */
  counts(before: LiveEntry | undefined, after: LiveEntry | undefined, wake: () => void): boolean {
    if (!before?.object || !after?.object || before.uid !== after.uid) return true;
    if (after.tag === undefined || after.tag !== before.tag) return true;
    const rule = this.#rulesNow().of(after.key);
    if (!rule) return true;
    const { health } = this.#options;
    const same = sameForRefresh(before.object, after.object, rule);
    if (!same && rule.queries.length === 0) return true;
    const custom = health.isCustom(after.key);
    if (!custom && !sameJson(health.of(before.object), health.of(after.object))) return true;
    if (!same) {
      const versions = [withoutIgnored(before.object, rule), withoutIgnored(after.object, rule)] as const;
      this.#ask({ versions, query: deletion(rule.queries), wake });
    }
    // Where a script decides, its listeners hear of another health.
    if (custom) health.offer(after.object);
    return false;
  }

  #rulesNow(): UpdateRules {
    const settings = this.#options.settings();
    if (settings !== this.#settings || !this.#rules) {
      this.#settings = settings;
      this.#rules = updateRules(settings);
      for (const problem of this.#rules.problems)
        this.#options.log.warn("setting not usable, it ignores no update", { why: problem });
    }
    return this.#rules;
  }

  #ask(asked: Asked): void {
    this.#asked.push(asked);
    if (this.#asked.length === 1) this.#options.clock.after(gatherMs, () => void this.#answer());
  }

  async #answer(): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    const { evaluators, op } = this.#options;
    const items = asked.flatMap(({ versions, query }) => versions.map((data) => ({ text: query, data })));
    try {
      const outcomes = await evaluators.jq(op, items);
      asked.forEach(({ wake }, index) => {
        const [before, after] = [outcomes[index * 2], outcomes[index * 2 + 1]];
        const same = before?.ok === true && after?.ok === true && sameJson(before.value, after.value);
        if (!same) wake();
      });
    } catch {
      for (const { wake } of asked) wake();
    }
  }
}

/** jq that takes out what the expressions name; one that names no path fails, and then the update counts. */
function deletion(queries: readonly string[]): string {
  return queries.map((query) => `del(${query})`).join(" | ");
}
