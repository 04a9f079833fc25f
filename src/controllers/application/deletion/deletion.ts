// The deletion of an application: asks core/sync/deletion what is next, does it, takes finalizers that are done off the
// Application, and says in one condition what it waits for. It keeps nothing but its finalizers, so that another process
// can go on at any point.
import { DriftlessError, toError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { rfc3339 } from "#base/ports.ts";
import {
  deletionFinalizers,
  hookFinalizers,
  needsHooks,
  nextDeletion,
  ownFinalizers,
  type DeletionAction,
  type DeletionTurn,
  type LiveResource,
} from "#core/sync/deletion.ts";
import { parseSyncOptions } from "#core/sync/options.ts";
import { deletionApproved } from "#core/sync/plan.ts";
import { ownerApplication, withTracking } from "#core/track/track.ts";
import { applyObject } from "#kube/apply.ts";
import type { ObjectClient, ResourceType } from "#kube/types.ts";
import type { Application, ApplicationCondition, AppProject } from "#model/application.ts";
import { apiVersion, fieldManager, group } from "#model/names.ts";
import { displayKey, gvkOf, keyOf, type KubernetesObject } from "#model/object.ts";
import type { Outcome } from "#runtime/loop.ts";
import { applicationType } from "../application-type.ts";
import { atOnce } from "../operation/at-once.ts";
import type { ApplicationControllerDeps, DestinationCluster } from "../deps.ts";
import type { Desired } from "../desired/desired.ts";
import { clientFor } from "../operation/impersonation.ts";
import { livePermits } from "../comparison/live-permits.ts";
import { releaseHook, removeOwned, type RemovalContext } from "./removal.ts";
import type { SpecGate } from "../spec-gate.ts";
import type { AppState } from "../state.ts";

const ownHookFinalizers: readonly string[] = Object.values(deletionFinalizers);
/** How long a deletion waits for the live state to tell what is gone before it looks again. */
const lookAgainMs = 5000;
/** After this long it is said of an object that something holds it. */
const patienceMs = 10_000;
const firstHookRetryMs = 10_000;
const longestHookRetryMs = 300_000;
const removalsAtOnce = 32;

export interface DeletionGateOptions extends Pick<
  ApplicationControllerDeps,
  "clock" | "random" | "control" | "clusters" | "settings" | "tracking" | "project"
> {
  readonly gate: SpecGate;
  /** What the application desires, rendered where it is not known. Errors: those of its spec and of rendering. */
  desired(op: Op, state: AppState): Promise<Desired>;
  /** Ends an operation that is under way; returns when that stands. */
  abandon(op: Op, state: AppState): Promise<void>;
  /** Applications that depend on this one and are being deleted too: they go first. Their going brings another pass. */
  goFirst(state: AppState): readonly string[] | undefined;
  /** The application as a write of ours got it back. */
  observe(state: AppState, written: Application): void;
}

export class DeletionGate {
  readonly #options: DeletionGateOptions;

  constructor(options: DeletionGateOptions) {
    this.#options = options;
  }

  /** One step of the deletion of an application that is being deleted. */
  async step(op: Op, state: AppState): Promise<Outcome> {
    if (ownFinalizers(state.app.metadata.finalizers ?? []).length === 0) return { next: "done" };
    try {
      return await this.#step(op, state);
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "CANCELLED") throw error;
      await this.#say(op, state, error.message);
      return { next: "retry", error };
    }
  }

  /** Gives an application that is not being deleted the finalizers that its deletion hooks need, and takes them off. */
  async prepare(op: Op, state: AppState): Promise<void> {
    const finalizers = state.app.metadata.finalizers ?? [];
    const wanted = hookFinalizers((state.desired?.hooks ?? []).map(({ object }) => object));
    const missing = wanted.filter((name) => !finalizers.includes(name));
    const idle = ownHookFinalizers.filter((name) => finalizers.includes(name) && !wanted.includes(name));
    if (missing.length === 0 && idle.length === 0) return;
    const { control } = this.#options;
    const { namespace = "", name = "", resourceVersion } = state.app.metadata;
    const left = [...finalizers.filter((each) => !idle.includes(each)), ...missing];
    const body = { metadata: { finalizers: left, resourceVersion } };
    try {
      const written = await control.patch(op, applicationType, { namespace, name }, { type: "merge", body });
      this.#took(state, written as Application);
    } catch (thrown) {
      // Somebody else changed the application meanwhile: their change brings another pass.
      if (!["CONFLICT", "NOT_FOUND"].includes(toError(thrown).code)) throw thrown;
    }
  }

  async #step(op: Op, state: AppState): Promise<Outcome> {
    await this.#options.abandon(op, state);
    const cluster = this.#options.clusters.find(state.app.spec.destination);
    // A cluster that is no longer configured holds nothing that we could delete (Argo CD does the same).
    if (cluster instanceof DriftlessError) {
      await this.#takeOff(op, state, ownFinalizers(state.app.metadata.finalizers ?? []));
      return { next: "done" };
    }
    const first = this.#options.goFirst(state);
    if (first) {
      const message = `its deletion waits until these are gone, which depend on it: ${first.join(", ")}`;
      await this.#say(op, state, message, "WaitingForDependencies");
      return { next: "done" };
    }
    state.cluster = cluster;
    await this.#reach(op, cluster);
    for (;;) {
      const left = ownFinalizers(state.app.metadata.finalizers ?? []);
      if (left.length === 0) return { next: "done" };
      const context = await this.#context(op, state, cluster);
      const turn = await this.#next(op, state, context);
      if (turn.done.length > 0) {
        await this.#takeOff(op, state, turn.done);
        continue;
      }
      if (turn.failed.length > 0) return this.#retryHooks(op, state, { turn, context });
      await this.#execute(op, context, turn.actions);
      await this.#say(op, state, turn.problem ?? this.#tooLong(context, turn));
      return { next: "requeue-after", delayMs: lookAgainMs };
    }
  }

  /** The cluster with its live state known. Error: DELETION_FAILED, which says how to do without it. */
  async #reach(op: Op, cluster: DestinationCluster): Promise<void> {
    try {
      await cluster.ready(op);
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "CANCELLED") throw error;
      throw new DriftlessError(
        "DELETION_FAILED",
        `the destination cluster ${cluster.name} cannot be reached: ${error.message}; when it is gone for good, ` +
          "remove its Secret, or the finalizers of this Application: its resources then stay as they are",
        { cause: error, details: error.details },
      );
    }
  }

  async #context(op: Op, state: AppState, cluster: DestinationCluster): Promise<Context> {
    const options = this.#options;
    const name = state.app.spec.project || "default";
    if (!options.project(name)) {
      throw new DriftlessError(
        "DELETION_FAILED",
        `project ${name} does not exist, so that nobody can tell what the application may delete: create it again, ` +
          "or remove the finalizers of this Application",
      );
    }
    const project = options.gate.project(state.app);
    if (project instanceof DriftlessError) {
      throw new DriftlessError(
        "DELETION_FAILED",
        `${project.message}, so that it may delete nothing: add the namespace to spec.sourceNamespaces of the project, ` +
          "or remove the finalizers of this Application",
        { cause: project },
      );
    }
    const finalizers = state.app.metadata.finalizers ?? [];
    const desired = needsHooks(finalizers) ? await this.#hooks(op, state) : undefined;
    const hooks = desired?.hooks.map(({ object }) => object);
    // Whether something may be deleted stands in the objects themselves, so they must be known whole.
    const wanted = [...cluster.cache.tagged(state.tag)]
      .filter(({ object }) => object === undefined)
      .map(({ key }) => key);
    await Promise.all([
      cluster.cache.manage([...wanted, ...(hooks ?? []).map((hook) => keyOf(hook))]),
      cluster.learnKinds(op, hooks ?? []),
    ]);
    return {
      cluster,
      project,
      client: clientFor(state.app, { project, cluster, settings: options.settings() }),
      cache: cluster.cache,
      owns: (meta, key) => ownerApplication(meta, key, options.tracking()) === state.tag,
      live: [...cluster.cache.tagged(state.tag)].map(liveResource),
      ...(hooks ? { hooks, revision: desired?.revisions[0] ?? "" } : { revision: "" }),
    };
  }

  async #hooks(op: Op, state: AppState): Promise<Desired> {
    try {
      return await this.#options.desired(op, state);
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "CANCELLED") throw error;
      throw new DriftlessError(
        "DELETION_FAILED",
        `the application's deletion hooks cannot be read: ${error.message}; to delete it without them, remove the ` +
          "finalizers pre-delete-finalizer.argocd.argoproj.io and post-delete-finalizer.argocd.argoproj.io",
        { cause: error, details: error.details },
      );
    }
  }

  async #next(op: Op, state: AppState, context: Context): Promise<DeletionTurn> {
    const options = this.#options;
    const { health } = state;
    const { cluster, project, live, hooks } = context;
    const { metadata, spec } = state.app;
    await health.learn(
      op,
      live.flatMap(({ object }) => object ?? []),
    );
    const requestedAt = metadata.deletionTimestamp ?? "";
    return nextDeletion({
      self: { group, kind: "Application", namespace: metadata.namespace ?? "", name: metadata.name ?? "" },
      finalizers: metadata.finalizers ?? [],
      requestedAt,
      confirmed: deletionApproved(state.app, requestedAt),
      live,
      liveAt: (key) => cluster.cache.get(key)?.object,
      ...(hooks ? { hooks } : {}),
      revision: context.revision,
      options: parseSyncOptions(spec.syncPolicy?.syncOptions),
      track: (object) => withTracking(object, state.tag, options.tracking()),
      health: (object) => health.forSync(object),
      permits: livePermits(project, cluster),
    });
  }

  async #execute(op: Op, context: Context, actions: readonly DeletionAction[]): Promise<void> {
    const failures = await atOnce(removalsAtOnce, actions, async (action): Promise<DriftlessError | undefined> => {
      const key = action.type === "create-hook" ? action.key : action.resource.key;
      try {
        if (action.type === "create-hook") await this.#create(op, context, action.object);
        else await this.#remove(op, context, action);
        return undefined;
      } catch (thrown) {
        const error = toError(thrown);
        if (error.code === "CANCELLED") throw error;
        return new DriftlessError("DELETION_FAILED", `${displayKey(key)}: ${error.message}`, {
          cause: error,
          details: error.details,
        });
      }
    });
    const first = failures.find((failure) => failure !== undefined);
    if (first) throw first;
  }

  async #create(op: Op, { cluster, client }: Context, object: KubernetesObject): Promise<void> {
    const { clock, random } = this.#options;
    const type = await this.#type(op, cluster, gvkOf(object));
    if (!type) throw new DriftlessError("KIND_UNKNOWN", `the cluster does not know the kind ${object.kind}`);
    const how = { clock, random, fieldManager, live: null, schema: cluster.schemaOf(object) };
    const { object: created } = await applyObject(op, client, { type, object }, how);
    if (created) cluster.cache.observe(created);
  }

  async #remove(
    op: Op,
    context: Context,
    { type: action, resource, ...how }: Exclude<DeletionAction, { type: "create-hook" }>,
  ): Promise<void> {
    const { key, version, deleting, uid, resourceVersion, object } = resource;
    const type = await this.#type(op, context.cluster, { ...key, version });
    if (!type) return;
    if (action === "delete" && !deleting) {
      const propagationPolicy = "propagation" in how ? how.propagation : "Foreground";
      await removeOwned(op, context, { type, key, uid, resourceVersion }, { propagationPolicy });
    }
    if (object) await releaseHook(op, context, { type, key, object });
  }

  async #type(
    op: Op,
    cluster: DestinationCluster,
    kind: { group: string; version: string; kind: string },
  ): Promise<ResourceType | undefined> {
    return cluster.typeOf(kind) ?? (await cluster.client.discovery.find(op, kind));
  }

  /** Failed hooks stay for a while, for people to look at; then they are deleted, and run anew. */
  async #retryHooks(
    op: Op,
    state: AppState,
    { turn, context }: { readonly turn: DeletionTurn; readonly context: Context },
  ): Promise<Outcome> {
    const { clock } = this.#options;
    const before = state.hookRetry;
    if (before?.atMs !== undefined && clock.now() >= before.atMs) {
      state.hookRetry = { failures: before.failures, atMs: undefined };
      const actions = turn.failed.map((resource): DeletionAction => ({
        type: "delete",
        resource,
        propagation: "Background",
      }));
      await this.#execute(op, context, actions);
      return { next: "requeue-after", delayMs: lookAgainMs };
    }
    if (before?.atMs === undefined) {
      const failures = before?.failures ?? 0;
      const delayMs = Math.min(longestHookRetryMs, firstHookRetryMs * 2 ** Math.min(failures, 10));
      state.hookRetry = { failures: failures + 1, atMs: clock.now() + delayMs };
    }
    const atMs = state.hookRetry!.atMs!;
    await this.#say(op, state, `${turn.problem ?? ""}; it is run again at ${rfc3339(atMs)}`);
    return { next: "requeue-after", delayMs: Math.max(0, atMs - clock.now()) };
  }

  /** What has been waited for so long that a person should know; undefined while patience lasts. */
  #tooLong({ live }: Context, turn: DeletionTurn): string | undefined {
    const now = this.#options.clock.now();
    const since = ({ object }: LiveResource): number => Date.parse(object?.metadata.deletionTimestamp ?? "");
    const held = live.find((resource) => {
      const { object, key } = resource;
      const waited = turn.waits.some((wait) => wait.for === "deletion" && sameJson(wait.key, key));
      return waited && (object?.metadata.finalizers?.length ?? 0) > 0 && now - since(resource) > patienceMs;
    });
    if (!held) return undefined;
    const finalizers = held.object?.metadata.finalizers ?? [];
    return (
      `waiting since ${rfc3339(since(held))} for ${displayKey(held.key)} to be deleted: held by ${finalizers.join(", ")}; ` +
      "whoever set these finalizers has to remove them"
    );
  }

  async #takeOff(op: Op, state: AppState, names: readonly string[]): Promise<void> {
    const { control } = this.#options;
    const { metadata } = state.app;
    const ref = { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
    for (let tries = 1; ; tries++) {
      const { finalizers = [], resourceVersion } = state.app.metadata;
      const left = finalizers.filter((name) => !names.includes(name));
      if (left.length === finalizers.length) return;
      try {
        const body = { metadata: { finalizers: left, resourceVersion } };
        this.#took(state, (await control.patch(op, applicationType, ref, { type: "merge", body })) as Application);
        return;
      } catch (thrown) {
        const error = toError(thrown);
        const now = error.code === "CONFLICT" && tries < 5 ? await control.get(op, applicationType, ref) : undefined;
        if (error.code !== "NOT_FOUND" && (now === undefined || now.metadata.uid !== metadata.uid)) throw error;
        this.#took(state, (now as Application | undefined) ?? withoutFinalizers(state.app));
      }
    }
  }

  #took(state: AppState, written: Application): void {
    state.app = written;
    this.#options.observe(state, written);
  }

  /** Writes the one condition that the deletion has; none where there is nothing to say. */
  async #say(
    op: Op,
    state: AppState,
    message: string | undefined,
    type: ApplicationCondition["type"] = "DeletionError",
  ): Promise<void> {
    const known = state.app.status?.conditions ?? [];
    const wanted: ApplicationCondition[] =
      message === undefined ? [] : [{ type, message, lastTransitionTime: rfc3339(this.#options.clock.now()) }];
    const plain = ({ type: kind, message: said }: ApplicationCondition): unknown => ({ kind, said });
    if (sameJson(known.map(plain), wanted.map(plain))) return;
    const ref = { namespace: state.app.metadata.namespace ?? "", name: state.app.metadata.name ?? "" };
    const body = { status: { conditions: wanted } };
    try {
      this.#took(
        state,
        (await this.#options.control.patch(op, applicationType, ref, { type: "merge", body })) as Application,
      );
    } catch (thrown) {
      if (toError(thrown).code !== "NOT_FOUND") throw thrown;
    }
  }
}

interface Context extends RemovalContext {
  readonly cluster: DestinationCluster;
  readonly project: AppProject;
  readonly client: ObjectClient;
  readonly live: readonly LiveResource[];
  readonly hooks?: readonly KubernetesObject[];
  readonly revision: string;
}

function liveResource(entry: ReturnType<DestinationCluster["cache"]["get"]> & object): LiveResource {
  const { key, version, uid, resourceVersion, deleting, object } = entry;
  return { key, version, uid, resourceVersion, deleting: deleting === true, ...(object ? { object } : {}) };
}

function withoutFinalizers(app: Application): Application {
  const { finalizers: _, ...metadata } = app.metadata;
  return { ...app, apiVersion, metadata };
}
