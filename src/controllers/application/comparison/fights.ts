// Fights over fields, as the controller sees them: notes drift and heals of each application, keeps self-heal from running in
// circles with another writer, and finds out who that is when it has become a fight. Decisions stand in core/sync/fights.ts.
import { toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { attribute } from "#core/compare/attribution.ts";
import {
  calmAt,
  fightOver,
  fights,
  fightText,
  healed,
  isFight,
  named,
  nextHealAt,
  noFights,
  sawDrift,
  type FightEntry,
  type FoughtField,
} from "#core/sync/fights.ts";
import type { ApplicationCondition, Operation } from "#model/application.ts";
import { fieldManager } from "#model/names.ts";
import { gvkOf, keyText } from "#model/object.ts";
import type { AppState } from "../state.ts";
import type { Row } from "./table.ts";

/** So many fights are told of in one condition. */
const told = 3;

export class Fights {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in what differs now. Returns when to look again although nothing changes: a fight may be over then. */
  saw(state: AppState, rows: readonly Row[]): number | undefined {
    // Who does not heal does not fight.
    if (state.app.spec.syncPolicy?.automated?.selfHeal !== true) state.fights = undefined;
    if (!state.fights) return undefined;
    const now = this.#clock.now();
    const current = new Map(
      [...state.fights].filter(([, { key, wanted }]) => state.table.row(keyText(key))?.desired?.hash === wanted),
    );
    const log = sawDrift(current, rows.flatMap(fieldsOf), now);
    state.fights = log.size === 0 ? undefined : log;
    const calm = fights(log).filter((entry) => entry.driftedAt === undefined);
    return calm.length === 0 ? undefined : Math.min(...calm.map(calmAt));
  }

  /**
   * Takes an automated operation that is about to start and what differs; returns it without the objects that are fought
   * over and shall not be healed yet, or when to look again where nothing else is left. Operations that are no heals pass.
   */
  restrain(
    state: AppState,
    operation: Operation,
    rows: readonly Row[],
  ): { readonly start: Operation } | { readonly retryAt: number } {
    const { sync } = operation;
    if (sync?.autoHealAttemptsCount === undefined) return { start: operation };
    const now = this.#clock.now();
    const log = state.fights ?? noFights;
    const drifted = rows.filter((row) => row.sync !== "Synced");
    const held = new Map<string, number>();
    for (const row of drifted) {
      const fields = fieldsOf(row);
      const entries = fields.flatMap((field) => fightOver(log, field) ?? []);
      if (fields.length === 0 || entries.length < fields.length) continue;
      const at = Math.max(...entries.map(nextHealAt));
      if (at > now) held.set(row.text, at);
    }
    if (held.size > 0 && held.size === drifted.length) return { retryAt: Math.min(...held.values()) };
    const left = drifted.filter((row) => !held.has(row.text));
    state.fights = healed(log, left.flatMap(fieldsOf), now);
    if (held.size === 0) return { start: operation };
    const resources = (sync.resources ?? []).filter(
      ({ group = "", kind, namespace = "", name }) => !held.has(keyText({ group, kind, namespace, name })),
    );
    return { start: { ...operation, sync: { ...sync, resources } } };
  }

  /** Finds out who writes back what is fought over, where that is not known: the live objects tell it before they are healed. */
  async identify(op: Op, state: AppState): Promise<void> {
    for (const entry of fights(state.fights ?? noFights)) {
      if (entry.managers || !state.fights) continue;
      state.fights = named(state.fights, entry, await managersOf(op, state, entry));
    }
  }

  conditions(state: AppState): readonly ApplicationCondition[] {
    const all = [...(state.fights ?? noFights).values()].filter(isFight);
    if (all.length === 0) return [];
    const texts = all.slice(0, told).map(fightText);
    const more = all.length > told ? [`and ${all.length - told} more fields`] : [];
    return [{ type: "FieldFightWarning", message: [...texts, ...more].join("; ") }];
  }
}

/** The fields of a row that a heal would write; what is to be pruned is no field. */
function fieldsOf(row: Row): readonly FoughtField[] {
  if (row.sync !== "OutOfSync" || !row.desired) return [];
  const paths = row.live ? row.paths : [""];
  const wanted = row.desired.hash;
  return paths.map((path) => ({ key: row.key, path, wanted }));
}

async function managersOf(op: Op, state: AppState, entry: FightEntry): Promise<readonly string[]> {
  const { cluster } = state;
  const row = state.table.row(keyText(entry.key));
  const known = row?.live?.object;
  const type = known && cluster?.typeOf(gvkOf(known));
  if (!cluster || !type) return [];
  const { namespace, name } = entry.key;
  try {
    const live = await cluster.client.get(op, type, namespace === "" ? { name } : { namespace, name });
    if (!live) return [];
    const [found] = attribute(live, row.predicted, cluster.schemaOf(live), [entry.path]);
    const others = (found?.writers ?? []).filter(({ manager }) => manager !== fieldManager);
    return [...new Set(others.map(({ manager }) => manager))];
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "CANCELLED") throw error;
    return [];
  }
}
