// What an object's annotations say of its place in a sync: hook types, delete policies, wave. Pure.
// Source: Argo CD's "Resource Hooks", "Sync Phases and Waves", "Helm" (its table of Helm's hooks).
import type { HookType, SyncPhase } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";

export type HookDeletePolicy = "BeforeHookCreation" | "HookSucceeded" | "HookFailed" | "Never";

const hookTypes = new Set<string>(["PreSync", "Sync", "PostSync", "SyncFail", "PreDelete", "PostDelete", "Skip"]);
const deletePolicies = new Set<string>(["BeforeHookCreation", "HookSucceeded", "HookFailed", "Never"]);

/** Helm's hooks that have a counterpart here. `crd-install` is no hook; tests and rollbacks have none. */
const helmHookTypes: Readonly<Record<string, HookType>> = {
  "pre-install": "PreSync",
  "pre-upgrade": "PreSync",
  "post-install": "PostSync",
  "post-upgrade": "PostSync",
  "pre-delete": "PreDelete",
  "post-delete": "PostDelete",
};
const helmDeletePolicies: Readonly<Record<string, HookDeletePolicy>> = {
  "before-hook-creation": "BeforeHookCreation",
  "hook-succeeded": "HookSucceeded",
  "hook-failed": "HookFailed",
};

/** The hook types of an object, each once. Argo CD's annotation goes before Helm's; unknown words are left out. */
export function hookTypesOf(object: KubernetesObject): readonly HookType[] {
  const annotations = object.metadata.annotations;
  if (annotations === undefined) return [];
  const own = words(annotations[annotation.hook]).filter((word) => hookTypes.has(word)) as HookType[];
  if (own.length > 0) return unique(own);
  const helm: HookType[] = [];
  for (const word of words(annotations[annotation.helmHook])) {
    const type = helmHookTypes[word];
    if (type !== undefined) helm.push(type);
  }
  return unique(helm);
}

/** Whether an object is left to its own devices: `argocd.argoproj.io/hook: Skip`. */
export function isSkipped(object: KubernetesObject): boolean {
  const types = hookTypesOf(object);
  return types.length === 1 && types[0] === "Skip";
}

/** Whether an object is a hook: run in phases, not compared, not pruned. */
export function isHook(object: KubernetesObject): boolean {
  const annotations = object.metadata.annotations;
  if (annotations === undefined) return false;
  if (annotations[annotation.hook] !== undefined) return !isSkipped(object);
  const helm = annotations[annotation.helmHook];
  return helm !== undefined && helm.trim() !== "crd-install";
}

/** Whether an object is a Helm hook without counterpart (tests, rollbacks): neither applied nor compared nor pruned. */
export function isIgnoredHook(object: KubernetesObject): boolean {
  return (
    isHook(object) && hookTypesOf(object).length === 0 && object.metadata.annotations?.[annotation.hook] === undefined
  );
}

/** The phases in which an object has a part: its hook types, or Sync for an ordinary object. */
export function phasesOf(object: KubernetesObject): readonly SyncPhase[] {
  if (isSkipped(object)) return [];
  if (!isHook(object)) return ["Sync"];
  return hookTypesOf(object).filter((type): type is SyncPhase => type !== "Skip");
}

/** When a hook's object is deleted: `BeforeHookCreation` where its annotations say nothing. */
export function deletePoliciesOf(object: KubernetesObject): readonly HookDeletePolicy[] {
  const annotations = object.metadata.annotations;
  const found = words(annotations?.[annotation.hookDeletePolicy]).filter((word) =>
    deletePolicies.has(word),
  ) as HookDeletePolicy[];
  for (const word of words(annotations?.[annotation.helmHookDeletePolicy])) {
    const policy = helmDeletePolicies[word];
    if (policy !== undefined) found.push(policy);
  }
  return found.length > 0 ? found : ["BeforeHookCreation"];
}

/** The sync wave: Argo CD's annotation, else Helm's hook weight, else 0. Text that is not a whole number counts as absent. */
export function waveOf(object: KubernetesObject): number {
  const annotations = object.metadata.annotations;
  return integer(annotations?.[annotation.syncWave]) ?? integer(annotations?.[annotation.helmHookWeight]) ?? 0;
}

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function words(text: string | undefined): string[] {
  if (text === undefined) return [];
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function unique(types: readonly HookType[]): readonly HookType[] {
  return types.length < 2 ? types : [...new Set(types)];
}
