// Whether an application is as those that depend on it need it, and if not, why. Pure.
import type { HealthStatusCode, OperationPhase, SyncStatusCode } from "#model/application.ts";

export interface DependencyState {
  readonly exists: boolean;
  readonly deleting?: boolean;
  /** Compared with its newest known commit, spec and live objects, without an error. */
  readonly settled?: boolean;
  /** The annotation `skip-reconcile`: nobody compares it. */
  readonly skipped?: boolean;
  readonly sync?: SyncStatusCode;
  readonly health?: HealthStatusCode;
  /** An operation that is asked for or runs. */
  readonly operation?: OperationPhase | "Requested";
  /** What it waits for itself: names of applications. */
  readonly waitsFor?: readonly string[];
}

/** Why an application is not ready for those that depend on it; undefined: it is. */
export function whyNotReady(state: DependencyState): string | undefined {
  if (!state.exists) return "it does not exist";
  if (state.deleting) return "it is being deleted";
  if (state.skipped) return "it is not reconciled (skip-reconcile), so nobody knows how it is";
  const held = state.waitsFor?.length ? `; it waits for ${state.waitsFor.join(", ")} itself` : "";
  if (!state.settled) return `it has not been compared with its newest commit yet${held}`;
  if (state.operation !== undefined) {
    const word = state.operation === "Requested" ? "has been asked for" : "is running";
    return `its sync ${word}${held}`;
  }
  if (state.sync !== "Synced") return `it is ${state.sync ?? "Unknown"}${held}`;
  return state.health === "Healthy" ? undefined : `it is Synced, but ${state.health ?? "Unknown"}`;
}

/** `a → b → a`. */
export function cycleText(path: readonly string[]): string {
  return `dependency cycle: ${path.join(" → ")}`;
}
