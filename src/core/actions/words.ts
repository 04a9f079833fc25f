// What many actions have in common: setting a field, setting an annotation, an object made from another.
import { at, type Json, type JsonObject } from "#base/json.ts";
import { rfc3339 } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ActionResult, BuiltinAction } from "./action.ts";

type Look = Pick<BuiltinAction, "displayName" | "iconClass">;

/** A merge patch of one field: `nested(["spec", "suspend"], true)`. */
export function nested(path: readonly string[], value: Json): JsonObject {
  const [first = "", ...rest] = path;
  return { [first]: rest.length === 0 ? value : nested(rest, value) };
}

/** Sets one field; disabled where it is so already (`otherwise` is what an absent field counts as). */
export function setting(
  name: string,
  look: Look,
  path: readonly string[],
  value: Json,
  otherwise: Json = null,
): BuiltinAction {
  return {
    name,
    ...look,
    disabled: (object) => (at(object, ...path) ?? otherwise) === value,
    run: () => ({ patch: nested(path, value) }),
  };
}

/** Notes the present time in an annotation, for a controller to act on. */
export function stamping(
  name: string,
  look: Look,
  annotation: string,
  stamp: (nowMs: number) => string = rfc3339,
): BuiltinAction {
  return {
    name,
    ...look,
    run: (_object, { nowMs }) => ({ patch: nested(["metadata", "annotations", annotation], stamp(nowMs)) }),
  };
}

export const pauseLook: Look = { displayName: "Pause", iconClass: "fa fa-fw fa-pause-circle" };
export const resumeLook: Look = { displayName: "Resume", iconClass: "fa fa-fw fa-play-circle" };
export const suspendLook: Look = { displayName: "Suspend", iconClass: "fa fa-fw fa-pause-circle" };
export const restartLook: Look = { displayName: "Restart", iconClass: "fa fa-fw fa-sync" };
export const createLook = (what: string): Look => ({
  displayName: `Create ${what}`,
  iconClass: "fa fa-fw fa-plus",
});

/** `spec.suspend` on and off. */
export const suspendable: readonly BuiltinAction[] = [
  setting("suspend", suspendLook, ["spec", "suspend"], true, false),
  setting("resume", resumeLook, ["spec", "suspend"], false, false),
];

/** An owner reference to the object an action was run on. */
export function ownedBy({
  apiVersion,
  kind,
  metadata,
}: KubernetesObject): NonNullable<KubernetesObject["metadata"]["ownerReferences"]>[number] {
  return { apiVersion, kind, name: metadata.name ?? "", uid: metadata.uid ?? "" };
}

/** `20261121104530` in UTC: the end of a name made from another. */
export function stampOf(nowMs: number): string {
  return rfc3339(nowMs)
    .replaceAll(/[^0-9]/g, "")
    .slice(0, 14);
}

/** A name made from another with an end of its own, at most 63 characters long. */
export function stampedName(name: string, nowMs: number): string {
  const end = `-${stampOf(nowMs)}`;
  return name.slice(0, 63 - end.length).replace(/[-.]+$/, "") + end;
}

/** A parameter as a whole number of 0 or more. */
export function countParam(params: Readonly<Record<string, string>>, name: string): number | ActionResult {
  const text = params[name]?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text);
  return {
    refused: `the parameter ${name} must be a whole number of 0 or more${text === "" ? "" : `, not "${text}"`}`,
  };
}
