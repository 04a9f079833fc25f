// What the deletion of an application does next. Pure: finalizers, live objects and hooks in; actions, waits and
// finalizers that are done out. Its finalizers are its memory: each names a part that is still to be done, in order:
// PreDelete hooks, their clean-up, the cascade, PostDelete hooks, their clean-up. So it can stop at any point and go on.
// Nothing is deleted on doubt. Source: Argo CD's "App Deletion", "Resource Hooks", "Sync Options" (Delete=…).
import type { HealthStatus } from "#model/application.ts";
import { annotation, finalizer, group } from "#model/names.ts";
import type { KubernetesObject, ObjectKey } from "#model/object.ts";
import { gvkOf, keyOf, keyText } from "#model/object.ts";
import { heldBy, holds, hookOutcome, isOfRun, shownKey } from "./hook-outcome.ts";
import { deletePoliciesOf, hookTypesOf, isHook, waveOf } from "./hooks.ts";
import type { ApplicationSyncOptions, PropagationPolicy } from "./options.ts";
import { resourceSyncOptions } from "./options.ts";
import { hookName, prepareHook, runName } from "./plan.ts";
import { kindRank } from "./task.ts";

type DeletionHook = "PreDelete" | "PostDelete";

/** A live object that tracking gives to the application. */
export interface LiveResource {
  readonly key: ObjectKey;
  readonly version: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly deleting: boolean;
  /** Absent: it is not known whole yet, and so is not touched. */
  readonly object?: KubernetesObject;
}

export interface DeletionInput {
  /** The application's own key: one that manages itself does not delete itself. */
  readonly self: ObjectKey;
  readonly finalizers: readonly string[];
  /** `metadata.deletionTimestamp`, RFC 3339. */
  readonly requestedAt: string;
  /** Somebody approved deletions after it was asked for. */
  readonly confirmed: boolean;
  readonly live: readonly LiveResource[];
  /** The live object of a key, whoever it belongs to. */
  liveAt(key: ObjectKey): KubernetesObject | undefined;
  /** The desired hooks, with namespace; absent: not known (asked for by `needsHooks`). */
  readonly hooks?: readonly KubernetesObject[];
  /** Of the source, for the names of generateName hooks. */
  readonly revision: string;
  readonly options: ApplicationSyncOptions;
  track(object: KubernetesObject): KubernetesObject;
  health(object: KubernetesObject): HealthStatus | undefined;
  /** Whether the project lets the application touch an object. */
  permits(key: ObjectKey): boolean;
}

export type DeletionAction =
  | { readonly type: "create-hook"; readonly key: ObjectKey; readonly object: KubernetesObject }
  | { readonly type: "delete"; readonly resource: LiveResource; readonly propagation: PropagationPolicy }
  /** Only take our hook finalizer from it. */
  | { readonly type: "release-hook"; readonly resource: LiveResource };

export interface DeletionWait {
  readonly key: ObjectKey;
  readonly for: "hook" | "deletion" | "confirmation" | "knowledge";
  readonly reason: string;
}

export interface DeletionTurn {
  readonly actions: readonly DeletionAction[];
  readonly waits: readonly DeletionWait[];
  /** Finalizers whose part is done: take them off the application, then ask again. */
  readonly done: readonly string[];
  /** Why it cannot go on by itself, in words for a condition. */
  readonly problem?: string;
  /** The hooks that failed, with their objects: to be deleted before they are tried again. */
  readonly failed: readonly LiveResource[];
}

export const deletionFinalizers = {
  preDelete: finalizer.preDelete,
  preDeleteCleanup: `${finalizer.preDelete}/cleanup`,
  postDelete: finalizer.postDelete,
  postDeleteCleanup: `${finalizer.postDelete}/cleanup`,
} as const;

const finalizersLast = 1000;
const cascades: readonly string[] = [finalizer.resources, finalizer.resourcesForeground, finalizer.resourcesBackground];

/** Finalizers of ours that an application carries. */
export function ownFinalizers(finalizers: readonly string[]): readonly string[] {
  const ours = new Set<string>([...cascades, ...Object.values(deletionFinalizers)]);
  return finalizers.filter((name) => ours.has(name));
}

/** The finalizers that an application must carry for its deletion hooks: both of a type where it has one, else none. */
export function hookFinalizers(hooks: readonly KubernetesObject[]): readonly string[] {
  const types = new Set(hooks.flatMap((hook) => (isHook(hook) ? hookTypesOf(hook) : [])));
  const { preDelete, preDeleteCleanup, postDelete, postDeleteCleanup } = deletionFinalizers;
  return [
    ...(types.has("PreDelete") ? [preDelete, preDeleteCleanup] : []),
    ...(types.has("PostDelete") ? [postDelete, postDeleteCleanup] : []),
  ];
}

/**
 * A desired Application with the finalizers for deletion hooks that the live one carries: they are ours to set and take
 * off, not the Git's that desires it. Other objects come back as they are.
 */
export function keepHookFinalizers(desired: KubernetesObject, live: KubernetesObject): KubernetesObject {
  if (desired.kind !== "Application" || gvkOf(desired).group !== group) return desired;
  const ours: readonly string[] = Object.values(deletionFinalizers);
  const own = desired.metadata.finalizers ?? [];
  const kept = (live.metadata.finalizers ?? []).filter((name) => ours.includes(name) && !own.includes(name));
  if (kept.length === 0) return desired;
  // In the live order, so that a list that is compared as a whole is the same.
  const rank = (name: string): number => {
    const at = (live.metadata.finalizers ?? []).indexOf(name);
    return at < 0 ? finalizersLast : at;
  };
  const finalizers = [...own, ...kept].toSorted((a, b) => rank(a) - rank(b));
  return { ...desired, metadata: { ...desired.metadata, finalizers } };
}

/** Whether the next part of the deletion asks for the desired hooks, so that the source has to be rendered. */
export function needsHooks(finalizers: readonly string[]): boolean {
  if (finalizers.includes(deletionFinalizers.preDelete)) return true;
  const first = [deletionFinalizers.preDeleteCleanup, ...cascades].some((name) => finalizers.includes(name));
  return !first && finalizers.includes(deletionFinalizers.postDelete);
}

/** What to do now; an answer without actions, waits and `done` means that nothing of ours is left to do. */
export function nextDeletion(input: DeletionInput): DeletionTurn {
  const has = (name: string): boolean => input.finalizers.includes(name);
  const { preDelete, preDeleteCleanup, postDelete, postDeleteCleanup } = deletionFinalizers;
  if (has(preDelete)) return runHooks(input, "PreDelete", preDelete);
  if (has(preDeleteCleanup)) return cleanUp(input, "PreDelete", preDeleteCleanup);
  if (cascades.some(has)) return cascade(input);
  if (has(postDelete)) return runHooks(input, "PostDelete", postDelete);
  if (has(postDeleteCleanup)) return cleanUp(input, "PostDelete", postDeleteCleanup);
  return turn({});
}

function turn(what: Partial<DeletionTurn>): DeletionTurn {
  return { actions: [], waits: [], done: [], failed: [], ...what };
}

// Wave after wave: created where they are not there, waited for until they end well.
function runHooks(input: DeletionInput, type: DeletionHook, done: string): DeletionTurn {
  const hooks = (input.hooks ?? []).filter((hook) => isHook(hook) && hookTypesOf(hook).includes(type));
  const waves = [...new Set(hooks.map(waveOf))].sort((a, b) => a - b);
  for (const wave of waves) {
    const one = runWave(
      input,
      type,
      hooks.filter((hook) => waveOf(hook) === wave),
    );
    if (one.actions.length + one.waits.length > 0 || one.problem !== undefined) return one;
  }
  return turn({ done: [done] });
}

function runWave(input: DeletionInput, type: DeletionHook, hooks: readonly KubernetesObject[]): DeletionTurn {
  const run = runName({ startedAt: input.requestedAt }, type);
  const tracked = new Map(input.live.map((resource) => [keyText(resource.key), resource]));
  const actions: DeletionAction[] = [];
  const waits: DeletionWait[] = [];
  const failed: LiveResource[] = [];
  const problems: string[] = [];
  for (const hook of inOrder(hooks)) {
    const name = hookName(hook, { revision: input.revision, startedAt: input.requestedAt }, type);
    const object = prepareHook(hook, { run, name, track: (each) => input.track(each) });
    const key = keyOf(object);
    const live = input.liveAt(key);
    const own = tracked.get(keyText(key));
    if (live === undefined) actions.push({ type: "create-hook", key, object });
    else if (own === undefined && !isOfRun(live, run)) {
      problems.push(
        `${type} hook ${shownKey(key)} cannot be created: an object of that name is there, and not this application's`,
      );
    } else if (!isOfRun(live, run)) {
      if (own !== undefined && (!own.deleting || holds(live))) {
        actions.push({ type: "delete", resource: own, propagation: "Background" });
      }
      waits.push({ key, for: "deletion", reason: deletionReason(`hook ${shownKey(key)} of an earlier run`, live) });
    } else {
      const { phase, message } = hookOutcome(live, key, (each) => input.health(each));
      if (phase === "Running") {
        const reason = `waiting for completion of ${type} hook ${shownKey(key)}${message === "" ? "" : `: ${message}`}`;
        waits.push({ key, for: "hook", reason });
      } else if (phase === "Failed") {
        if (own !== undefined) failed.push(own);
        problems.push(`${type} hook ${shownKey(key)} failed${message === "" ? "" : `: ${message}`}`);
      }
    }
  }
  return turn({ actions, waits, failed, ...(problems.length > 0 ? { problem: problems.join("; ") } : {}) });
}

// Hooks that ran are deleted as their policy says (without one always), the others let go.
function cleanUp(input: DeletionInput, type: DeletionHook, done: string): DeletionTurn {
  const run = runName({ startedAt: input.requestedAt }, type);
  const actions: DeletionAction[] = [];
  const waits: DeletionWait[] = [];
  for (const resource of input.live) {
    const { object, key, deleting } = resource;
    if (object === undefined || !isOfRun(object, run)) continue;
    if (goesAfter(object, key, input) || deleting) {
      if (!deleting || holds(object)) actions.push({ type: "delete", resource, propagation: "Background" });
      waits.push({ key, for: "deletion", reason: deletionReason(`hook ${shownKey(key)}`, object) });
    } else if (holds(object)) {
      actions.push({ type: "release-hook", resource });
      waits.push({ key, for: "deletion", reason: `letting go of hook ${shownKey(key)}` });
    }
  }
  return actions.length + waits.length > 0 ? turn({ actions, waits }) : turn({ done: [done] });
}

function goesAfter(hook: KubernetesObject, key: ObjectKey, input: DeletionInput): boolean {
  const { annotations } = hook.metadata;
  const told = annotations?.[annotation.hookDeletePolicy] ?? annotations?.[annotation.helmHookDeletePolicy];
  if (told === undefined) return true;
  const { phase } = hookOutcome(hook, key, (each) => input.health(each));
  return deletePoliciesOf(hook).includes(phase === "Succeeded" ? "HookSucceeded" : "HookFailed");
}

// Highest wave first, inside it the kinds in reverse; the next when those are gone.
function cascade(input: DeletionInput): DeletionTurn {
  const unknown = input.live.filter(({ object }) => object === undefined);
  if (unknown.length > 0) {
    return turn({
      waits: unknown.map(({ key }) => ({ key, for: "knowledge", reason: `${shownKey(key)} is not known yet` })),
    });
  }
  const left = input.live.filter((resource) => isDeletable(input, resource));
  if (left.length === 0) return turn({ done: cascades.filter((name) => input.finalizers.includes(name)) });
  const unconfirmed = input.confirmed
    ? []
    : left.filter((resource) => !resource.deleting && consent(input, resource) === "confirm");
  if (unconfirmed.length > 0) return waitForConfirmation(unconfirmed);
  const propagation = input.finalizers.includes(finalizer.resourcesBackground) ? "Background" : "Foreground";
  const next = firstToGo(left);
  return turn({
    actions: next
      .filter(({ deleting, object }) => !deleting || (object !== undefined && holds(object)))
      .map((resource) => ({ type: "delete", resource, propagation })),
    waits: next.map(({ key, object }) => ({ key, for: "deletion", reason: deletionReason(shownKey(key), object) })),
  });
}

// CustomResourceDefinitions stay, for with them would go every object of their kind, whoever made it.
function isDeletable(input: DeletionInput, resource: LiveResource): boolean {
  const { key } = resource;
  if (key.kind === "CustomResourceDefinition" && key.group === "apiextensions.k8s.io") return false;
  if (keyText(key) === keyText(input.self)) return false;
  return consent(input, resource) !== "no" && input.permits(key);
}

function consent(input: DeletionInput, { object }: LiveResource): "yes" | "no" | "confirm" {
  return object === undefined ? "no" : resourceSyncOptions(object, input.options).delete;
}

function waitForConfirmation(unconfirmed: readonly LiveResource[]): DeletionTurn {
  const first = unconfirmed[0]!;
  const more = unconfirmed.length > 1 ? ` and ${unconfirmed.length - 1} more resources` : "";
  const problem =
    `Waiting for deletion confirmation of ${first.object?.apiVersion ?? ""}/${first.key.kind}/${first.key.name}${more}: ` +
    `driftless app confirm-deletion, or the annotation ${annotation.deletionApproved} with the present time`;
  return turn({
    waits: unconfirmed.map(({ key }) => ({
      key,
      for: "confirmation",
      reason: `waiting for confirmation to delete ${shownKey(key)}`,
    })),
    problem,
  });
}

function firstToGo(left: readonly LiveResource[]): readonly LiveResource[] {
  const wave = (resource: LiveResource): number => (resource.object === undefined ? 0 : waveOf(resource.object));
  const highest = Math.max(...left.map(wave));
  const inWave = left.filter((resource) => wave(resource) === highest);
  const last = Math.max(...inWave.map(({ key }) => kindRank(key.kind)));
  return inWave.filter(({ key }) => kindRank(key.kind) === last);
}

function deletionReason(what: string, live: KubernetesObject | undefined): string {
  const held = live?.metadata.deletionTimestamp === undefined ? "" : heldBy(live);
  return `waiting for deletion of ${what}${held === "" ? "" : `: ${held}`}`;
}

function inOrder(hooks: readonly KubernetesObject[]): readonly KubernetesObject[] {
  const text = (hook: KubernetesObject): string =>
    `${gvkOf(hook).kind} ${hook.metadata.name ?? hook.metadata.generateName ?? ""}`;
  return hooks.toSorted((a, b) => kindRank(a.kind) - kindRank(b.kind) || (text(a) < text(b) ? -1 : 1));
}
