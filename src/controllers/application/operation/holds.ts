// What keeps an operation from starting, or from going on: the project's sync windows, and the applications that this one
// depends on. Asked before an automated sync starts, and on each pass of an operation.
import type { AppProject, Operation } from "#model/application.ts";
import { heldMessage, type Dependencies } from "./dependencies.ts";
import type { AppState } from "../state.ts";
import type { Windows } from "./windows.ts";

export type Held =
  | { readonly wait: string }
  /** It cannot start as things are. */
  | { readonly refuse: string };

export class Holds {
  readonly #windows: Windows;
  readonly #dependencies: Dependencies;

  constructor(windows: Windows, dependencies: Dependencies) {
    this.#windows = windows;
    this.#dependencies = dependencies;
  }

  /** Nothing is held back until something asks again. */
  release(state: AppState): void {
    state.windowHold = undefined;
    state.dependencyHold = undefined;
  }

  /** Whether automated sync may start now, by the windows alone. */
  automatedWindow(state: AppState, project: AppProject): { readonly allowed: boolean } {
    return { allowed: this.#windows.ask(state, project, { manual: false }).allowed };
  }

  /** What keeps an automated sync that is due from starting. */
  automated(state: AppState, operation: Operation): Held | undefined {
    return this.#byDependencies(state, operation);
  }

  /** What keeps the operation under way from its next step. */
  underWay(state: AppState, project: AppProject): Held | undefined {
    const running = state.running;
    if (!running) return undefined;
    const begun = running.plan !== undefined || (state.operationState?.syncResult?.resources ?? []).length > 0;
    const manual = running.operation.initiatedBy?.automated !== true;
    const startedAt = Date.parse(state.operationState?.startedAt ?? "");
    const question = { manual, ...(begun && Number.isFinite(startedAt) ? { startedAt } : {}) };
    if (!this.#windows.ask(state, project, question).allowed) return { wait: "Sync operation blocked by sync window" };
    if (begun || (state.operationState?.retryCount ?? 0) > 0) {
      state.dependencyHold = undefined;
      return undefined;
    }
    return this.#byDependencies(state, running.operation);
  }

  #byDependencies(state: AppState, operation: Operation): Held | undefined {
    const hold = this.#dependencies.hold(state, operation);
    if (!hold) return undefined;
    return hold.refused === undefined ? { wait: heldMessage(hold) } : { refuse: hold.refused };
  }
}
