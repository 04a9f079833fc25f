// Plans a sync: which steps, in which phase, wave and order; or why not. Pure and total: it refuses with a reason and
// never throws. What to do when is progress.ts's part. Source: Argo CD's "Sync Phases and Waves", "Sync Options",
// "Selective Sync", "Resource Hooks".
import { stringAt } from "#base/json.ts";
import type { ResourceResult, SyncOperation, SyncPhase, SyncPolicy } from "#model/application.ts";
import { annotation, finalizer } from "#model/names.ts";
import type { GroupKind, GroupVersionKind, KubernetesObject, ObjectKey } from "#model/object.ts";
import { gvkOf } from "#model/object.ts";
import { matchesSelection } from "./selection.ts";
import { deletePoliciesOf, hookTypesOf, isHook, isIgnoredHook, isSkipped, phasesOf, waveOf } from "./hooks.ts";
import type { ApplicationSyncOptions } from "./options.ts";
import { parseSyncOptions, resourceSyncOptions } from "./options.ts";
import { arrange } from "./order.ts";
import { ResultBook } from "./results.ts";
import type { SyncTask } from "./task.ts";

/** One object: desired (absent: it would be pruned), live (absent: it would be created). Hooks come with desired alone. */
export interface SyncResource {
  readonly desired?: KubernetesObject;
  /** The live object that tracking gives to this application, or that has desired's key. */
  readonly live?: KubernetesObject;
  /** What comparing found; absent: not known, so it is applied. */
  readonly differs?: boolean;
  /** Another application that tracking gives the live object to. */
  readonly owner?: string;
}

export interface SyncInput {
  /** For messages: `name` or `namespace/name`. */
  readonly application: string;
  /** `spec.destination.namespace`; "" where there is none. */
  readonly namespace: string;
  readonly operation: SyncOperation;
  readonly policy?: SyncPolicy;
  readonly resources: readonly SyncResource[];
  /** The resolved revision; its first 7 characters name generateName hooks. */
  readonly revision: string;
  /** `operationState.startedAt`, RFC 3339. With `attempt` it names this run. */
  readonly startedAt: string;
  /** `operationState.retryCount`; 0 for the first attempt. */
  readonly attempt?: number;
  /** The destination's own Namespace object, where it is live. */
  readonly liveNamespace?: KubernetesObject;
  /** Whether the cluster knows a kind, and if it is namespaced. */
  kindOf(kind: GroupVersionKind): { readonly namespaced: boolean } | undefined;
  /** Why the project forbids an object; undefined where it permits it. */
  forbids?(kind: GroupKind, key: ObjectKey, namespaced: boolean): string | undefined;
  /** Marks hooks and the created namespace as the application's (track/); other objects come marked. */
  track?(object: KubernetesObject): KubernetesObject;
  /** Whether an empty source may prune everything (`automated.allowEmpty`). */
  readonly allowEmpty?: boolean;
  /** Prunes that need a confirmation have it (see `deletionApproved`). */
  readonly pruneConfirmed?: boolean;
}

export interface ReadyPlan {
  readonly ok: true;
  /** In the order of execution. */
  readonly tasks: readonly SyncTask[];
  readonly options: ApplicationSyncOptions;
  readonly dryRun: boolean;
  readonly pruneConfirmed: boolean;
  /** What is odd but stops nothing: unknown options and hook types. */
  readonly warnings: readonly string[];
}

export interface RefusedPlan {
  readonly ok: false;
  readonly reason: string;
  /** The objects at fault, as results to record. */
  readonly results: readonly ResourceResult[];
}

export type SyncPlan = ReadyPlan | RefusedPlan;
type Draft = { -readonly [field in keyof SyncTask]: SyncTask[field] };

interface Planning {
  readonly input: SyncInput;
  readonly options: ApplicationSyncOptions;
  readonly tasks: Draft[];
  readonly warnings: string[];
  readonly faults: { task: SyncTask; message: string }[];
  /** The definitions in this sync: `group/Kind` → its object. */
  readonly definitions: ReadonlyMap<string, KubernetesObject>;
  /** Whether the cluster knows a kind; asked once for each. */
  readonly kinds: Map<string, { readonly namespaced: boolean } | undefined>;
}

/** Takes desired and live objects and the operation; returns every step in order, or why the sync must not start. */
export function planSync(input: SyncInput): SyncPlan {
  const warnings: string[] = [];
  const note = (entry: string): void => void warnings.push(`unknown sync option ${JSON.stringify(entry)}`);
  // An operation brings its own copy of the options where it has any (automated and API syncs both do).
  const entries = input.operation.syncOptions ?? input.policy?.syncOptions;
  const options = parseSyncOptions(entries, undefined, note);
  const refusal = emptySource(input, options) ?? sharedResource(input, options);
  if (refusal !== undefined) return { ok: false, reason: refusal, results: [] };

  const planning: Planning = {
    input,
    options,
    tasks: [],
    warnings,
    faults: [],
    definitions: definitionsIn(input.resources),
    kinds: new Map(),
  };
  for (const resource of input.resources) addResource(planning, resource);
  addNamespace(planning);
  markUntriable(planning);
  if (planning.faults.length > 0) {
    const book = new ResultBook([]);
    for (const { task, message } of planning.faults) book.set(task, { status: "SyncFailed", message });
    const reasons = [...new Set(planning.faults.map((fault) => fault.message))];
    return {
      ok: false,
      reason: `one or more synchronization tasks are not valid, reason: ${reasons.join(",")}`,
      results: book.list(),
    };
  }
  return {
    ok: true,
    tasks: arrange(planning.tasks),
    options,
    dryRun: input.operation.dryRun === true,
    pruneConfirmed: input.pruneConfirmed === true,
    warnings,
  };
}

/** Whether a person approved pruning: the annotation's time is not before the operation's start. */
export function deletionApproved(application: KubernetesObject, startedAt: string): boolean {
  const approved = Date.parse(application.metadata.annotations?.[annotation.deletionApproved] ?? "");
  return Number.isFinite(approved) && approved >= Date.parse(startedAt);
}

// An empty source never prunes unless that was asked for: it is more often an accident than a wish.
function emptySource(input: SyncInput, options: ApplicationSyncOptions): string | undefined {
  if (input.operation.prune !== true || input.operation.dryRun || input.allowEmpty || options.allowEmpty)
    return undefined;
  let live = 0;
  for (const resource of input.resources) {
    if (resource.desired !== undefined) return undefined;
    if (resource.live !== undefined) live++;
  }
  if (live === 0) return undefined;
  return (
    `Skipping sync attempt to ${input.revision}: the source has no resources, so pruning would wipe out all ${live}; ` +
    "set syncPolicy.automated.allowEmpty, or sync with the option AllowEmpty=true"
  );
}

// FailOnSharedResource: an object that another application has applied already stops the sync.
function sharedResource(input: SyncInput, options: ApplicationSyncOptions): string | undefined {
  if (!options.failOnSharedResource) return undefined;
  const shared = input.resources.find(({ desired, owner }) => desired !== undefined && owner !== undefined);
  if (shared?.desired === undefined) return undefined;
  const { kind, metadata } = shared.desired;
  return `Shared resource found: ${kind}/${metadata.name ?? ""} is part of applications ${input.application} and ${shared.owner}`;
}

function addResource(planning: Planning, resource: SyncResource): void {
  const { input } = planning;
  const { desired, live } = resource;
  const object = desired ?? live;
  if (object === undefined || isSkipped(object) || isIgnoredHook(object)) return;
  const partial = (input.operation.resources?.length ?? 0) > 0;
  if (isHook(object)) {
    if (desired === undefined || partial || input.operation.syncStrategy?.apply !== undefined) return;
    addHook(planning, desired);
    return;
  }
  const located = desired === undefined ? undefined : locate(planning, desired);
  const key = located?.key ?? keyOfLive(live ?? object);
  if (partial && !matchesSelection(input.operation.resources ?? [], key)) return;
  const options = withForce(input, resourceSyncOptions(object, planning.options, live));
  const version = gvkOf(object).version;
  const task: Draft = {
    key,
    version,
    phase: "Sync",
    wave: waveOf(object),
    action: desired === undefined ? "prune" : "apply",
    options,
    order: 0,
  };
  if (located !== undefined) task.desired = located.object;
  if (live !== undefined) task.live = live;
  if (desired === undefined) {
    if (input.operation.prune !== true) task.ignored = "ignored (requires pruning)";
    else if (options.prune === "no") task.ignored = "ignored (no prune)";
  } else {
    if (resource.differs === false && live !== undefined) {
      task.unchanged = true;
      if (options.applyOutOfSyncOnly) task.skipped = true;
    }
    check(planning, task, located?.namespaced);
  }
  planning.tasks.push(task);
}

function addHook(planning: Planning, object: KubernetesObject): void {
  const named = object.metadata.annotations?.[annotation.hook];
  if (named !== undefined && hookTypesOf(object).length === 0) {
    planning.warnings.push(
      `${object.kind} ${object.metadata.name ?? object.metadata.generateName ?? ""} is never applied: ${JSON.stringify(named)} is no hook type`,
    );
  }
  for (const phase of phasesOf(object)) {
    // Deletion hooks run when the application is deleted, never in a sync.
    if (phase === "PreDelete" || phase === "PostDelete") continue;
    addHookTask(planning, object, phase);
  }
}

function addHookTask(planning: Planning, object: KubernetesObject, phase: SyncPhase): void {
  const { input } = planning;
  const run = runName(input, phase);
  const { object: placed, namespaced, key: placedKey } = locate(planning, object);
  const hook = prepareHook(placed, {
    run,
    name: hookName(placed, input, phase),
    track: (hook) => input.track?.(hook) ?? hook,
  });
  const task: Draft = {
    key: { ...placedKey, name: hook.metadata.name ?? "" },
    version: gvkOf(hook).version,
    phase,
    wave: waveOf(object),
    action: "hook",
    desired: hook,
    hookType: phase,
    deletePolicies: deletePoliciesOf(object),
    run,
    options: withForce(input, resourceSyncOptions(object, planning.options)),
    order: 0,
  };
  check(planning, task, namespaced);
  planning.tasks.push(task);
}

/** Names a run of a phase: the same for the same operation and attempt, whoever plans it and however often. */
export function runName(run: Pick<SyncInput, "startedAt" | "attempt">, phase: SyncPhase): string {
  return `${unixSeconds(run.startedAt)}-${run.attempt ?? 0}-${phase.toLowerCase()}`;
}

/**
 * The hook's name, or for a generateName hook: prefix, revision's first 7 characters, phase, start of the operation. A
 * prefix that would make the name longer than a label's value may be (Jobs put theirs into one) is cut.
 */
export function hookName(
  object: KubernetesObject,
  run: Pick<SyncInput, "revision" | "startedAt">,
  phase: SyncPhase,
): string {
  if (object.metadata.name) return object.metadata.name;
  const revision = run.revision.length >= 8 ? run.revision.slice(0, 7) : run.revision;
  const suffix = `${revision}-${phase}-${unixSeconds(run.startedAt)}`.toLowerCase();
  return `${(object.metadata.generateName ?? "").slice(0, Math.max(0, longestLabel - suffix.length))}${suffix}`;
}

const longestLabel = 63;

/** A hook's object as it is created: named, marked with its run, held by our finalizer until its end was seen. */
export function prepareHook(
  object: KubernetesObject,
  how: { run: string; name: string; track: (hook: KubernetesObject) => KubernetesObject },
): KubernetesObject {
  const { generateName: _, ...metadata } = object.metadata;
  const finalizers = metadata.finalizers ?? [];
  const hook: KubernetesObject = {
    ...object,
    metadata: {
      ...metadata,
      name: how.name,
      annotations: { ...metadata.annotations, [annotation.hookRun]: how.run },
      finalizers: finalizers.includes(finalizer.hook) ? finalizers : [...finalizers, finalizer.hook],
    },
  };
  return how.track(hook);
}

function unixSeconds(time: string): number {
  return Math.floor((Date.parse(time) || 0) / 1000);
}

// CreateNamespace=true: the namespace goes first, where it is missing or its metadata is managed.
function addNamespace(planning: Planning): void {
  const { input, options } = planning;
  if (!options.createNamespace || input.namespace === "") return;
  const isIt = (object: KubernetesObject | undefined): boolean =>
    object !== undefined &&
    object.kind === "Namespace" &&
    object.apiVersion === "v1" &&
    object.metadata.name === input.namespace;
  if (input.resources.some((resource) => isIt(resource.desired))) return;
  const managed = input.policy?.managedNamespaceMetadata;
  if (input.liveNamespace !== undefined && managed === undefined) return;
  const annotations = managed?.annotations;
  const object: KubernetesObject = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: input.namespace,
      ...(managed?.labels ? { labels: managed.labels } : {}),
      ...(annotations ? { annotations } : {}),
    },
  };
  planning.tasks.push({
    key: { group: "", kind: "Namespace", namespace: "", name: input.namespace },
    version: "v1",
    phase: "PreSync",
    // Before every PreSync hook, whatever its wave.
    wave: planning.tasks.reduce((low, task) => (task.phase === "PreSync" ? Math.min(low, task.wave) : low), 0),
    action: "apply",
    desired: object,
    ...(input.liveNamespace ? { live: input.liveNamespace } : {}),
    // Labels and annotations that others set must stay: only server-side apply leaves them alone.
    options: {
      ...options,
      serverSideApply: managed !== undefined || options.serverSideApply,
      replace: false,
      force: false,
    },
    createsNamespace: true,
    order: -1,
  });
}

// Says what makes a task impossible: a kind that neither the cluster nor this sync has, or one that the project forbids.
function check(planning: Planning, task: Draft, namespaced: boolean | undefined): void {
  const { key } = task;
  const { input } = planning;
  const definition = planning.definitions.get(`${key.group}/${key.kind}`);
  const known = planning.kinds.get(kindId(task)) !== undefined;
  if (!known) {
    if (definition !== undefined) {
      task.definition = {
        group: "apiextensions.k8s.io",
        kind: "CustomResourceDefinition",
        namespace: "",
        name: definition.metadata.name ?? "",
      };
    } else if (!task.options.skipDryRunOnMissingResource) {
      planning.faults.push({ task, message: missingKind(key) });
      return;
    }
  }
  const forbidden = input.forbids?.(key, key, namespaced ?? true);
  if (forbidden !== undefined) planning.faults.push({ task, message: forbidden });
}

// What a dry run cannot try: objects in a namespace, or of a kind, that only this sync brings.
function markUntriable({ tasks, definitions }: Planning): void {
  const made = new Set<string>();
  for (const { key, live, action } of tasks) {
    if (action === "apply" && key.kind === "Namespace" && key.group === "" && live === undefined) made.add(key.name);
  }
  for (const task of tasks) {
    if (task.desired === undefined) continue;
    if (made.has(task.key.namespace)) task.untriable = `namespace ${task.key.namespace} comes with this sync`;
    else if (task.definition !== undefined && definitions.size > 0)
      task.untriable = `its kind comes with this sync (${task.definition.name})`;
  }
}

function missingKind(key: ObjectKey): string {
  return (
    `The Kubernetes API could not find ${key.group}/${key.kind} for requested resource ${key.namespace}/${key.name}. ` +
    `Make sure the "${key.kind}" CRD is installed on the destination cluster.`
  );
}

// Fills in the namespace of namespaced objects and takes it from cluster-scoped ones.
function locate(
  planning: Planning,
  object: KubernetesObject,
): { object: KubernetesObject; key: ObjectKey; namespaced: boolean | undefined } {
  const { input, kinds } = planning;
  const gvk = gvkOf(object);
  const id = `${gvk.group}/${gvk.version}/${gvk.kind}`;
  if (!kinds.has(id)) kinds.set(id, input.kindOf(gvk));
  const scope = stringAt(planning.definitions.get(`${gvk.group}/${gvk.kind}`), "spec", "scope");
  const namespaced = kinds.get(id)?.namespaced ?? (scope === undefined ? undefined : scope === "Namespaced");
  const own = object.metadata.namespace ?? "";
  const namespace = namespaced === false ? "" : own || input.namespace;
  const key = { group: gvk.group, kind: gvk.kind, namespace, name: object.metadata.name ?? "" };
  if (namespace === own) return { object, key, namespaced };
  const { namespace: _, ...metadata } = object.metadata;
  return { object: { ...object, metadata: namespace === "" ? metadata : { ...metadata, namespace } }, key, namespaced };
}

function kindId(task: Draft): string {
  return `${task.key.group}/${task.version}/${task.key.kind}`;
}

function keyOfLive(live: KubernetesObject): ObjectKey {
  const { group, kind } = gvkOf(live);
  return { group, kind, namespace: live.metadata.namespace ?? "", name: live.metadata.name ?? "" };
}

function withForce<T extends { readonly force: boolean }>(input: SyncInput, options: T): T {
  const strategy = input.operation.syncStrategy;
  const force = strategy?.apply?.force === true || strategy?.hook?.force === true;
  return force && !options.force ? { ...options, force } : options;
}

function definitionsIn(resources: readonly SyncResource[]): ReadonlyMap<string, KubernetesObject> {
  const found = new Map<string, KubernetesObject>();
  for (const { desired } of resources) {
    if (desired?.kind !== "CustomResourceDefinition") continue;
    const group = stringAt(desired, "spec", "group");
    const kind = stringAt(desired, "spec", "names", "kind");
    if (group !== undefined && kind !== undefined) found.set(`${group}/${kind}`, desired);
  }
  return found;
}
