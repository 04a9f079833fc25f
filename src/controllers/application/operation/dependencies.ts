// Dependencies between applications, as the controller uses them: keeps core/depend's graph in step with the applications,
// answers what one waits for, and wakes who waits when what they wait for is ready. Nobody polls: who was told to wait is
// remembered with what it waits for, and is woken once.
import { sameJson } from "#base/json.ts";
import { DependencyGraph } from "#core/depend/graph.ts";
import { cycleText, whyNotReady, type DependencyState } from "#core/depend/ready.ts";
import { parseSyncOptions } from "#core/sync/options.ts";
import type { Application, ApplicationCondition, ApplicationStatus, Operation } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import type { WaitingFor } from "#protocol/rest.ts";
import type { AppState, DependencyHold } from "../state.ts";

export interface DependenciesOptions {
  readonly states: ReadonlyMap<string, AppState>;
  wake(key: string): void;
}

/** Names so many applications in one message. */
const named = 5;

export class Dependencies {
  readonly #options: DependenciesOptions;
  readonly #graph = new DependencyGraph();
  /** Who waits until an application is ready, by that application. */
  readonly #waiters = new Map<string, Set<string>>();
  /** Whose deletion waits until an application is gone, by that application. */
  readonly #deletions = new Map<string, Set<string>>();
  /** Applications that were told of a cycle: any change of the graph may have ended it. */
  readonly #cyclic = new Set<string>();

  constructor(options: DependenciesOptions) {
    this.#options = options;
  }

  /** Takes in an application as it is now. */
  changed(key: string, app: Application): void {
    const { namespace = "", labels = {}, annotations } = app.metadata;
    const before = this.#graph.changes;
    this.#wakeAll(this.#graph.set({ key, namespace, labels, dependsOn: annotations?.[annotation.dependsOn] }));
    if (this.#graph.changes !== before) this.#wakeAll(this.#cyclic);
  }

  gone(key: string): void {
    this.#wakeAll(this.#graph.delete(key));
    this.#wakeAll(this.#deletions.get(key) ?? []);
    this.#deletions.delete(key);
    this.#cyclic.delete(key);
    this.#wakeAll(this.#cyclic);
  }

  /** Takes in what a pass found of an application, and wakes those that waited for it where it is ready. */
  judged(state: AppState, found: Pick<ApplicationStatus, "sync" | "health">): void {
    state.verdict = {
      ...(found.sync ? { sync: found.sync.status } : {}),
      ...(found.health ? { health: found.health.status } : {}),
    };
    const waiters = this.#waiters.get(state.key);
    if (!waiters || whyNotReady(this.#stateOf(state.key)) !== undefined) return;
    this.#waiters.delete(state.key);
    this.#wakeAll(waiters);
  }

  /** What holds back an operation of the application; undefined: nothing. Who is held is woken when that may have changed. */
  hold(state: AppState, operation: Operation): DependencyHold | undefined {
    state.dependencyHold = undefined;
    if (!this.#graph.hasAny(state.key) || operation.sync?.dryRun === true) return undefined;
    if (parseSyncOptions(operation.sync?.syncOptions).ignoreDependencies) return undefined;
    const error = this.errorOf(state.key);
    if (error !== undefined) return (state.dependencyHold = { refused: error, names: [] });
    const names: string[] = [];
    for (const key of this.#graph.dependenciesOf(state.key)) {
      if (whyNotReady(this.#stateOf(key)) === undefined) continue;
      names.push(key);
      const waiters = this.#waiters.get(key) ?? new Set();
      this.#waiters.set(key, waiters.add(state.key));
    }
    return names.length === 0 ? undefined : (state.dependencyHold = { names });
  }

  /** What is wrong with the application's dependencies: a cycle by its path, an annotation that cannot be read. */
  errorOf(key: string): string | undefined {
    const problems = this.#graph.problemsOf(key);
    if (problems.length > 0) return `${annotation.dependsOn}: ${problems.join("; ")}`;
    const cycle = this.#graph.cycleOf(key);
    if (!cycle) {
      this.#cyclic.delete(key);
      return undefined;
    }
    for (const other of cycle) {
      if (other !== key && !this.#cyclic.has(other)) this.#options.wake(other);
    }
    this.#cyclic.add(key);
    return cycleText(cycle);
  }

  conditions(state: AppState): readonly ApplicationCondition[] {
    if (!this.#graph.hasAny(state.key)) return [];
    const error = this.errorOf(state.key);
    if (error !== undefined) return [{ type: "DependencyError", message: error }];
    const found: ApplicationCondition[] = [];
    const missing = this.#graph.dependenciesOf(state.key).filter((key) => !this.#graph.exists(key));
    if (missing.length > 0)
      found.push({ type: "DependencyWarning", message: `depends on what does not exist: ${listed(missing)}` });
    const waits = state.dependencyHold?.names ?? [];
    if (waits.length > 0)
      found.push({
        type: "WaitingForDependencies",
        message: `the sync waits until these are Synced and Healthy: ${listed(waits)}`,
      });
    return found;
  }

  /** What the application depends on, each with why it is not ready; computed when somebody asks. */
  of(key: string): readonly { readonly key: string; readonly why: string | undefined }[] {
    return this.#graph.dependenciesOf(key).map((other) => ({ key: other, why: whyNotReady(this.#stateOf(other)) }));
  }

  dependentsOf(key: string): readonly string[] {
    return this.#graph.dependentsOf(key);
  }

  /** What a held sync waits for, with the reasons as they are now. */
  waits(state: AppState): readonly WaitingFor[] {
    return state.dependencyHold ? this.outlook(state) : [];
  }

  /** What a sync would wait for if it was to start now. */
  outlook(state: AppState): readonly WaitingFor[] {
    const error = this.errorOf(state.key);
    if (error !== undefined) return [{ ...refOf(state.key), for: "dependency", reason: error }];
    return this.of(state.key)
      .filter(({ why }) => why !== undefined)
      .map(({ key, why }): WaitingFor => ({ ...refOf(key), for: "dependency", reason: why! }));
  }

  /**
   * Those that depend on an application that is being deleted and are being deleted as well: they go first. Undefined
   * where nobody does; members of a cycle do not wait for each other.
   */
  deletionHold(state: AppState): readonly string[] | undefined {
    const others = this.#graph
      .dependentsOf(state.key)
      .filter((key) => this.#options.states.get(key)?.app.metadata.deletionTimestamp !== undefined);
    if (others.length === 0 || this.#graph.cycleOf(state.key)) return undefined;
    for (const key of others) this.#deletions.set(key, (this.#deletions.get(key) ?? new Set()).add(state.key));
    return others;
  }

  /** What the deletion of an application waits for, of other applications. */
  deletionWaits(state: AppState): readonly WaitingFor[] {
    const reason = "it depends on this one and is being deleted too: it goes first";
    return (this.deletionHold(state) ?? []).map((key): WaitingFor => ({ ...refOf(key), for: "dependency", reason }));
  }

  #stateOf(key: string): DependencyState {
    const state = this.#options.states.get(key);
    if (!state) return { exists: false };
    const { app, verdict } = state;
    const phase = state.operationState?.phase;
    const operation = state.running ? (phase ?? "Running") : requested(state) ? "Requested" : undefined;
    return {
      exists: true,
      deleting: app.metadata.deletionTimestamp !== undefined,
      skipped: app.metadata.annotations?.[annotation.skipReconcile] === "true",
      settled: isSettled(state),
      ...verdict,
      ...(operation ? { operation } : {}),
      waitsFor: state.dependencyHold?.names ?? [],
    };
  }

  #wakeAll(keys: Iterable<string>): void {
    for (const key of keys) this.#options.wake(key);
  }
}

/** Whether the comparison is of the newest that is known of commit, spec and live objects. */
function isSettled(state: AppState): boolean {
  return (
    state.desired !== undefined &&
    state.failure === undefined &&
    !state.specDirty &&
    !state.renderDirty &&
    !state.compareAll &&
    state.dirty.size === 0
  );
}

function requested(state: AppState): boolean {
  const { operation } = state.app;
  return operation !== undefined && !(state.carriedOut && sameJson(state.carriedOut, operation));
}

function listed(keys: readonly string[]): string {
  const more = keys.length - named;
  return `${keys.slice(0, named).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function refOf(key: string): Pick<WaitingFor, "group" | "kind" | "namespace" | "name"> {
  const [namespace = "", name = ""] = key.split("/");
  return { group: "argoproj.io", kind: "Application", namespace, name };
}

/** What the operation's message says while it is held. */
export function heldMessage(hold: DependencyHold): string {
  return `waiting for applications that this one depends on: ${listed(hold.names)}`;
}
