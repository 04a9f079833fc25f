// Fights over a field: self-heal writes what Git says, somebody else writes it back, and so on. Pure: a log of heals goes in,
// a new one comes out. Three heals of the same field within half an hour are a fight; it is over when the field stayed as
// Git says for longer than the other side ever took. Meanwhile that field is healed ever more seldom.
import type { ObjectKey } from "#model/object.ts";
import { displayKey } from "#model/object.ts";

/** One field of one object: `path` is a JSON pointer, "" where the whole object is missing. */
export interface FoughtField {
  readonly key: ObjectKey;
  readonly path: string;
  /** What Git wants of the object: what is noted of a field is of this alone. */
  readonly wanted?: string;
}

export interface FightEntry extends FoughtField {
  /** When the field was healed, in ms since the epoch, in order; those within the window. */
  readonly heals: readonly number[];
  /** Since when it differs again; absent: it is as Git says. */
  readonly driftedAt?: number;
  /** The longest that it took to differ again after a heal, in ms. */
  readonly reactionMs: number;
  /** Who writes it back; absent: not looked up yet. */
  readonly managers?: readonly string[];
}

/** By object and path. Never changed; each step returns another. */
export type FightLog = ReadonlyMap<string, FightEntry>;

export const noFights: FightLog = new Map();

export const fightPolicy = {
  heals: 3,
  windowMs: 30 * 60_000,
  /** The first pause of a fight; each heal doubles it. */
  firstPauseMs: 60_000,
  longestPauseMs: 30 * 60_000,
  /** A fight is over after this many times the other side's longest reaction, within these bounds. */
  calmFactor: 3,
  shortestCalmMs: 60_000,
  longestCalmMs: 60 * 60_000,
  /** So many fields of an application are kept in mind. */
  fields: 200,
} as const;

const idOf = ({ key, path }: FoughtField): string => `${key.group}/${key.kind}/${key.namespace}/${key.name} ${path}`;

/** Takes in which fields differ now: returns the log with drift noted, and without what has calmed down. */
export function sawDrift(log: FightLog, fields: readonly FoughtField[], now: number): FightLog {
  if (log.size === 0) return log;
  const differing = new Set(fields.map(idOf));
  const next = new Map<string, FightEntry>();
  for (const [id, entry] of log) {
    const drifts = differing.has(id);
    if (!drifts && now >= calmAt(entry)) continue;
    if (drifts && entry.driftedAt === undefined) {
      const reactionMs = Math.max(entry.reactionMs, now - lastHeal(entry));
      next.set(id, { ...entry, driftedAt: now, reactionMs });
    } else if (!drifts && entry.driftedAt !== undefined) {
      const { driftedAt: _over, ...rest } = entry;
      next.set(id, rest);
    } else next.set(id, entry);
  }
  return next;
}

/** Takes in that these fields are healed now. */
export function healed(log: FightLog, fields: readonly FoughtField[], now: number): FightLog {
  const next = new Map(log);
  for (const field of fields) {
    const id = idOf(field);
    const before = next.get(id);
    if (!before && next.size >= fightPolicy.fields) continue;
    const { driftedAt: _healed, ...rest } = before ?? { ...field, heals: [], reactionMs: 0 };
    const heals = [...rest.heals.filter((time) => now - time < fightPolicy.windowMs), now];
    next.set(id, { ...rest, heals });
  }
  return next;
}

/** Notes who writes a field back. */
export function named(log: FightLog, field: FoughtField, managers: readonly string[]): FightLog {
  const entry = log.get(idOf(field));
  return entry ? new Map(log).set(idOf(field), { ...entry, managers }) : log;
}

export function isFight(entry: FightEntry): boolean {
  return entry.heals.length >= fightPolicy.heals;
}

export function fightOver(log: FightLog, field: FoughtField): FightEntry | undefined {
  const entry = log.get(idOf(field));
  return entry && isFight(entry) ? entry : undefined;
}

export function fights(log: FightLog): readonly FightEntry[] {
  return [...log.values()].filter(isFight);
}

/** When a fought-over field may be healed next, in ms since the epoch. */
export function nextHealAt(entry: FightEntry): number {
  const { heals, firstPauseMs, longestPauseMs } = fightPolicy;
  return lastHeal(entry) + Math.min(longestPauseMs, firstPauseMs * 2 ** (entry.heals.length - heals));
}

/** When the fight is over if the field stays as Git says, in ms since the epoch. */
export function calmAt(entry: FightEntry): number {
  const { calmFactor, shortestCalmMs, longestCalmMs } = fightPolicy;
  const calmMs = Math.min(longestCalmMs, Math.max(shortestCalmMs, calmFactor * entry.reactionMs));
  return lastHeal(entry) + calmMs;
}

function lastHeal(entry: FightEntry): number {
  return entry.heals.at(-1) ?? 0;
}

/** What the condition says of a fight: the field, the other side, what happens and what to do. */
export function fightText(entry: FightEntry): string {
  const { key, path, heals, managers = [] } = entry;
  const seconds = Math.max(1, Math.round((lastHeal(entry) - (heals[0] ?? 0)) / 1000));
  const what = path === "" ? "is deleted" : `${path} is set back`;
  const who = managers.length > 0 ? ` by ${managers.join(", ")}` : path === "" ? " by somebody" : "";
  const ignore = managers.length > 0 ? ` (ignoreDifferences with managedFieldsManagers: [${managers.join(", ")}])` : "";
  const advice =
    path === "" ? "find who deletes it" : `leave the field out of Git or ignore it${ignore}, or stop the other writer`;
  return (
    `${displayKey(key)}: ${what}${who} after each self-heal (${heals.length} times in ${seconds} s); ` +
    `it is healed more seldom now: ${advice}`
  );
}
