// The one shape of a resource action: what a person may have done to a live object, and what comes of it. Pure.
// Source: Argo CD's "Resource Actions".
import type { JsonObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";

export interface ActionParam {
  readonly name: string;
  readonly default?: string;
}

/** An action as people see it. */
export interface ActionInfo {
  readonly name: string;
  readonly displayName?: string;
  readonly iconClass?: string;
  readonly params?: readonly ActionParam[];
  readonly disabled?: boolean;
}

/** What an action does: the object as it is to be (only the difference is sent), or another one to be made. */
export type Change =
  | { readonly operation: "patch"; readonly object: KubernetesObject }
  | { readonly operation: "create"; readonly object: KubernetesObject };

export interface ActionRun {
  readonly params: Readonly<Record<string, string>>;
  /** On the wall clock. */
  readonly nowMs: number;
}

/** What a built-in action changes: a merge patch of the object, another object to be made, or why it cannot be. */
export type ActionResult =
  | { readonly patch: JsonObject }
  | { readonly create: KubernetesObject }
  | { readonly refused: string };

export interface BuiltinAction {
  readonly name: string;
  readonly displayName: string;
  readonly iconClass: string;
  readonly params?: (object: KubernetesObject) => readonly ActionParam[];
  /** Whether the object's present state leaves nothing to be done. */
  readonly disabled?: (object: KubernetesObject) => boolean;
  readonly run: (object: KubernetesObject, run: ActionRun) => ActionResult;
}

/** `group/Kind` → its actions. */
export type KindActions = Readonly<Record<string, readonly BuiltinAction[]>>;
