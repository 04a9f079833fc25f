// Sync windows: when a project lets its applications sync. Pure: the time is passed in. Source: Argo CD's "Sync Windows".
import { Cron } from "croner";
import { isObject, listAt, stringAt } from "#base/json.ts";
import { parseDuration } from "#model/duration.ts";
import { globAny } from "./glob.ts";

export interface SyncWindow {
  readonly kind: "allow" | "deny";
  /** Five-field cron expression: the window's starts. */
  readonly schedule: string;
  readonly durationMs: number;
  /** The duration as the project has it: `1h30m`. */
  readonly duration: string;
  readonly timeZone: string;
  readonly description?: string;
  readonly applications: readonly string[];
  readonly namespaces: readonly string[];
  readonly clusters: readonly string[];
  /** Manual syncs may run although the window keeps automated ones out. */
  readonly manualSync: boolean;
  /** Applications, namespaces and clusters must all match, where given; else any suffices. */
  readonly andOperator: boolean;
  /** A sync that was running when the window turned against it may go on. */
  readonly syncOverrun: boolean;
}

export interface WindowProblem {
  readonly index: number;
  readonly why: string;
}

export interface WindowSubject {
  readonly application: string;
  readonly namespace: string;
  readonly server: string;
  readonly clusterName?: string;
}

export interface WindowDecision {
  readonly allowed: boolean;
  /** When the answer may next be another, in ms since the epoch; absent where no window matches. */
  readonly changesAt?: number;
}

/** What a malformed window counts as: it denies everything, for ever, since nobody knows what it was to keep out. */
const closed: SyncWindow = {
  kind: "deny",
  schedule: "",
  durationMs: 0,
  duration: "",
  timeZone: "UTC",
  applications: ["*"],
  namespaces: [],
  clusters: [],
  manualSync: false,
  andOperator: false,
  syncOverrun: false,
};

/** Reads a project's windows. Malformed ones are told as problems; they then count as windows that deny for ever. */
export function parseWindows(raw: readonly unknown[] | undefined): {
  readonly windows: readonly SyncWindow[];
  readonly problems: readonly WindowProblem[];
} {
  const windows: SyncWindow[] = [];
  const problems: WindowProblem[] = [];
  for (const [index, entry] of (raw ?? []).entries()) {
    const window = parseWindow(entry);
    if (typeof window === "string") {
      problems.push({ index, why: window });
      windows.push(closed);
    } else windows.push(window);
  }
  return { windows, problems };
}

function parseWindow(entry: unknown): SyncWindow | string {
  if (!isObject(entry)) return "it is not an object";
  const kind = stringAt(entry, "kind");
  if (kind !== "allow" && kind !== "deny") return `kind '${kind ?? ""}' mismatch: can only be allow or deny`;
  const schedule = stringAt(entry, "schedule") ?? "";
  const duration = stringAt(entry, "duration") ?? "";
  const durationMs = parseDuration(duration);
  if (durationMs === undefined || durationMs <= 0) return `cannot parse duration '${duration}'`;
  const description = stringAt(entry, "description");
  const timeZone = stringAt(entry, "timeZone") || "UTC";
  try {
    new Cron(schedule, { timezone: timeZone, mode: "5-part", paused: true }).nextRun(new Date(0));
  } catch (thrown) {
    return `cannot parse schedule '${schedule}' in time zone ${timeZone}: ${(thrown as Error).message}`;
  }
  return {
    kind,
    schedule,
    durationMs,
    duration,
    timeZone,
    ...(description ? { description } : {}),
    applications: texts(entry, "applications"),
    namespaces: texts(entry, "namespaces"),
    clusters: texts(entry, "clusters"),
    manualSync: entry["manualSync"] === true,
    andOperator: entry["andOperator"] === true,
    syncOverrun: entry["syncOverrun"] === true,
  };
}

function texts(entry: unknown, field: string): readonly string[] {
  return listAt(entry, field).filter((text): text is string => typeof text === "string");
}

/** Whether a window is about an application. */
export function windowMatches(window: SyncWindow, subject: WindowSubject): boolean {
  const { applications, namespaces, clusters } = window;
  const parts: { given: boolean; matches: boolean }[] = [
    { given: applications.length > 0, matches: globAny(applications, subject.application) },
    { given: namespaces.length > 0, matches: globAny(namespaces, subject.namespace) },
    {
      given: clusters.length > 0,
      matches:
        globAny(clusters, subject.server) ||
        (subject.clusterName !== undefined && globAny(clusters, subject.clusterName)),
    },
  ];
  const given = parts.filter((part) => part.given);
  if (given.length === 0) return false;
  return window.andOperator ? given.every((part) => part.matches) : given.some((part) => part.matches);
}

export interface WindowState {
  readonly open: boolean;
  /** When that is no longer so, in ms since the epoch; absent: never, as far as one can see. */
  readonly changesAt?: number;
}

/** So many openings that run into each other are followed to find the end of the whole. */
const followedOpenings = 64;

/**
 * Whether a window is open at a time (ms since the epoch), and when that next changes. A start that a clock change skips
 * counts at the moment after it; one that a clock change repeats counts once.
 */
export function windowState(window: SyncWindow, now: number): WindowState {
  if (window.schedule === "") return { open: true };
  const cron = new Cron(window.schedule, { timezone: window.timeZone, mode: "5-part", paused: true });
  const start = startBefore(cron, now);
  if (start === undefined || start + window.durationMs <= now) {
    const next = cron.nextRun(new Date(now))?.getTime();
    return { open: false, ...(next === undefined ? {} : { changesAt: next }) };
  }
  // A start before the end, or at it, makes the opening longer.
  let end = start + window.durationMs;
  for (let i = 0; i < followedOpenings; i++) {
    const later = startBefore(cron, end) ?? start;
    if (later + window.durationMs <= end) return { open: true, changesAt: end };
    end = later + window.durationMs;
  }
  return { open: true };
}

/** The last start at or before a time. */
function startBefore(cron: Cron, time: number): number | undefined {
  // croner looks before a time, in whole seconds.
  return cron
    .previousRuns(2, new Date(time + 1000))
    .map((start) => start.getTime())
    .find((start) => start <= time);
}

export interface WindowQuestion {
  readonly manual: boolean;
  /** In place of `windowState`: answers that are remembered. */
  readonly stateOf?: typeof windowState;
  /** When the running operation started, in ms, to ask whether it may go on; absent: may one start? */
  readonly startedAt?: number;
}

/**
 * Whether the windows let an application sync at a time. No window that matches: yes. An open deny window: no, or only
 * by hand where all open ones say `manualSync`. Allow windows of which none is open: no, or only by hand where all say
 * `manualSync`. A running sync may go on (`syncOverrun`) where every window that is now against it says so and it could
 * start when it did.
 */
export function canSync(
  windows: readonly SyncWindow[],
  subject: WindowSubject,
  now: number,
  question: WindowQuestion,
): WindowDecision {
  const matching = matchingWindows(windows, subject);
  if (matching.length === 0) return { allowed: true };
  const stateOf = question.stateOf ?? windowState;
  const states = matching.map((window) => ({ window, ...stateOf(window, now) }));
  const times = states.flatMap((state) => (state.changesAt === undefined ? [] : [state.changesAt]));
  const changesAt = times.length > 0 ? { changesAt: Math.min(...times) } : {};
  const against = windowsAgainst(states);
  if (against.length === 0) return { allowed: true, ...changesAt };
  if (question.manual && against.every((window) => window.manualSync)) return { allowed: true, ...changesAt };
  if (question.startedAt !== undefined && against.every((window) => window.syncOverrun)) {
    const then = canSync(windows, subject, question.startedAt, { manual: question.manual });
    return { allowed: then.allowed, ...changesAt };
  }
  return { allowed: false, ...changesAt };
}

/** The windows that are about an application. */
export function matchingWindows(windows: readonly SyncWindow[], subject: WindowSubject): readonly SyncWindow[] {
  return windows.filter((window) => windowMatches(window, subject));
}

/** What people are told: Argo CD's words. */
export type WindowWord = "Sync Allowed" | "Manual Allowed" | "Sync Denied";

/** What the windows say of an application at a time. */
export function windowWord(windows: readonly SyncWindow[], subject: WindowSubject, now: number): WindowWord {
  if (canSync(windows, subject, now, { manual: false }).allowed) return "Sync Allowed";
  return canSync(windows, subject, now, { manual: true }).allowed ? "Manual Allowed" : "Sync Denied";
}

/** So many changes of windows are looked through for one that changes the answer. */
const lookedThrough = 200;

/** When the windows next say something else, and what; undefined: never, as far as one can see. */
export function nextWindowWord(
  windows: readonly SyncWindow[],
  subject: WindowSubject,
  now: number,
): { readonly at: number; readonly word: WindowWord } | undefined {
  const word = windowWord(windows, subject, now);
  let time = now;
  for (let i = 0; i < lookedThrough; i++) {
    const { changesAt } = canSync(windows, subject, time, { manual: false });
    if (changesAt === undefined) return undefined;
    const then = windowWord(windows, subject, changesAt);
    if (then !== word) return { at: changesAt, word: then };
    time = changesAt;
  }
  return undefined;
}

// The windows that forbid: open denies; or, with none, all allows if none of them is open.
function windowsAgainst(states: readonly { window: SyncWindow; open: boolean }[]): readonly SyncWindow[] {
  const denies = states.filter((state) => state.window.kind === "deny" && state.open);
  if (denies.length > 0) return denies.map((state) => state.window);
  const allows = states.filter((state) => state.window.kind === "allow");
  return allows.some((state) => state.open) ? [] : allows.map((state) => state.window);
}
