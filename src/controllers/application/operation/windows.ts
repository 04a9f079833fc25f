// Sync windows, as the controller uses them: reads a project's windows once, answers for an application, and wakes those
// that a window keeps out when that may change, by one timer for each project.
import type { Clock } from "#base/ports.ts";
import {
  canSync,
  matchingWindows,
  nextWindowWord,
  parseWindows,
  windowState,
  windowWord,
  type SyncWindow,
  type WindowDecision,
  type WindowQuestion,
  type WindowState,
  type WindowSubject,
} from "#core/policy/windows.ts";
import type { AppProject } from "#model/application.ts";
import type { SyncWindowsAnswer, WaitingFor } from "#protocol/rest.ts";
import { rfc3339 } from "#base/ports.ts";
import { durationText } from "#core/waits/waits.ts";
import type { AppState } from "../state.ts";

/** A state that is not seen to end is asked for anew after this long. */
const rememberedMs = 60_000;
/** Timers of most clocks cannot wait longer. */
const longestTimerMs = 24 * 3_600_000;

interface Alarm {
  readonly atMs: number;
  readonly cancel: () => void;
  readonly keys: Set<string>;
}

export class Windows {
  readonly #clock: Clock;
  readonly #wake: (key: string) => void;
  readonly #parsed = new WeakMap<AppProject["spec"], readonly SyncWindow[]>();
  /** What each window is, and until when: looking at its schedule is much dearer than all else. */
  readonly #remembered = new WeakMap<SyncWindow, { readonly from: number; readonly state: WindowState }>();
  /** By project: who is kept out, and when that may change. */
  readonly #alarms = new Map<string, Alarm>();

  constructor(clock: Clock, wake: (key: string) => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  stop(): void {
    for (const { cancel } of this.#alarms.values()) cancel();
    this.#alarms.clear();
  }

  /**
   * Whether the windows let the application sync, or let its running sync go on. Where they do not, it is woken when that
   * may change; where the project changes, whoever follows projects wakes it.
   */
  ask(state: AppState, project: AppProject, question: WindowQuestion): WindowDecision {
    const windows = this.#windowsOf(project);
    state.windowHold = undefined;
    if (windows.length === 0) return { allowed: true };
    const stateOf = (window: SyncWindow, now: number): WindowState => this.#stateOf(window, now);
    const decision = canSync(windows, subjectOf(state), this.#clock.now(), { ...question, stateOf });
    if (!decision.allowed) {
      state.windowHold = decision;
      if (decision.changesAt !== undefined) this.#alarm(project.metadata.name ?? "", decision.changesAt, state.key);
    }
    return decision;
  }

  /** What a sync that a window keeps out waits for. */
  waits(state: AppState): readonly WaitingFor[] {
    return state.windowHold ? [this.#waitFor(state, state.windowHold)] : [];
  }

  /** What a sync by hand would wait for if it was asked for now. */
  outlook(state: AppState, project: AppProject): readonly WaitingFor[] {
    const decision = canSync(this.#windowsOf(project), subjectOf(state), this.#clock.now(), { manual: true });
    return decision.allowed ? [] : [this.#waitFor(state, decision)];
  }

  #waitFor(state: AppState, { changesAt }: WindowDecision): WaitingFor {
    const until =
      changesAt === undefined
        ? "they do not change by themselves"
        : `the next change is at ${rfc3339(changesAt)}, in ${durationText(changesAt - this.#clock.now())}`;
    const project = state.app.spec.project || "default";
    return { kind: "AppProject", name: project, for: "window", reason: `its sync windows forbid it; ${until}` };
  }

  /** Argo CD's answer, and what comes next. */
  describe(state: AppState, project: AppProject): SyncWindowsAnswer {
    const subject = subjectOf(state);
    const windows = this.#windowsOf(project);
    const now = this.#clock.now();
    const assigned = matchingWindows(windows, subject);
    const next = nextWindowWord(windows, subject, now);
    return {
      activeWindows: assigned.filter((window) => windowState(window, now).open).map(shown),
      assignedWindows: assigned.map(shown),
      canSync: canSync(windows, subject, now, { manual: true }).allowed,
      state: windowWord(windows, subject, now),
      ...(next ? { nextChange: { at: rfc3339(next.at), state: next.word } } : {}),
    };
  }

  #stateOf(window: SyncWindow, now: number): WindowState {
    const known = this.#remembered.get(window);
    if (known && now >= known.from && now < (known.state.changesAt ?? known.from + rememberedMs)) return known.state;
    const state = windowState(window, now);
    this.#remembered.set(window, { from: now, state });
    return state;
  }

  #windowsOf({ spec }: AppProject): readonly SyncWindow[] {
    let windows = this.#parsed.get(spec);
    if (!windows) this.#parsed.set(spec, (windows = parseWindows(spec.syncWindows).windows));
    return windows;
  }

  #alarm(project: string, changesAt: number, key: string): void {
    const known = this.#alarms.get(project);
    if (known && known.atMs <= changesAt) {
      known.keys.add(key);
      return;
    }
    known?.cancel();
    const keys = (known?.keys ?? new Set<string>()).add(key);
    const ring = (): void => {
      this.#alarms.delete(project);
      for (const each of keys) this.#wake(each);
    };
    const delayMs = Math.min(longestTimerMs, Math.max(0, changesAt - this.#clock.now()));
    this.#alarms.set(project, { atMs: changesAt, cancel: this.#clock.after(delayMs, ring), keys });
  }
}

function subjectOf(state: AppState): WindowSubject {
  const { cluster, app } = state;
  return {
    application: app.metadata.name ?? "",
    namespace: app.spec.destination.namespace ?? "",
    server: cluster?.server ?? app.spec.destination.server ?? "",
    ...(cluster ? { clusterName: cluster.name } : {}),
  };
}

function shown({ kind, schedule, duration, manualSync }: SyncWindow): SyncWindowsAnswer["assignedWindows"][number] {
  return { kind, schedule, duration, ...(manualSync ? { manualSync } : {}) };
}
