// Which actions an object has, and what one does: the built-in ones, and users' Lua scripts, of which only the results are
// read here (somebody else runs them). Pure. Source: Argo CD's "Resource Actions".
import { parseYaml } from "#base/yaml.ts";
import { isObject, listAt, sameJson, stringAt, type Json, type JsonObject } from "#base/json.ts";
import { applyMergePatch, createMergePatch } from "#core/merge/merge-patch.ts";
import { keyOf, parseApiVersion, type KubernetesObject } from "#model/object.ts";
import type { ActionInfo, ActionParam, ActionRun, BuiltinAction, Change, KindActions } from "./action.ts";
import { argo } from "./kinds/argo.ts";
import { operators } from "./kinds/operators.ts";
import { workloads } from "./kinds/workloads.ts";

export type { ActionInfo, Change };

/** Every built-in action. Adding a family is a file in kinds/ and a name here. */
export const builtinActions: KindActions = { ...workloads, ...argo, ...operators };

/** The built-in actions of a kind. */
function builtinsOf(object: KubernetesObject): readonly BuiltinAction[] {
  return builtinActions[`${parseApiVersion(object.apiVersion).group}/${object.kind}`] ?? [];
}

/** What the settings define for a kind: `resource.customizations.actions.GROUP_KIND`. */
export interface CustomActions {
  readonly discovery: string;
  /** The scripts by the action's name. */
  readonly scripts: ReadonlyMap<string, string>;
  /** The built-in actions stay, but for those of the same names. */
  readonly mergeBuiltin: boolean;
}

/** Takes the setting's text; returns what it defines, or what is wrong with it. */
export function parseCustomActions(text: string): CustomActions | string {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (thrown) {
    return `it is not YAML: ${(thrown as Error).message.split("\n")[0]}`;
  }
  if (!isObject(value)) return "it is not a mapping with discovery.lua and definitions";
  const scripts = new Map<string, string>();
  for (const entry of listAt(value, "definitions")) {
    const name = stringAt(entry, "name");
    const script = stringAt(entry, "action.lua");
    if (!name || script === undefined) return "an entry of definitions has no name or no action.lua";
    scripts.set(name, script);
  }
  return {
    discovery: stringAt(value, "discovery.lua") ?? "",
    scripts,
    mergeBuiltin: value["mergeBuiltinActions"] === true,
  };
}

/** The built-in actions of an object, in its present state. */
export function builtinActionsOf(object: KubernetesObject): readonly ActionInfo[] {
  return builtinsOf(object).map(({ name, displayName, iconClass, params, disabled }) => {
    const asked = params?.(object) ?? [];
    return {
      name,
      displayName,
      iconClass,
      ...(asked.length > 0 ? { params: asked } : {}),
      ...(disabled?.(object) === true ? { disabled: true } : {}),
    };
  });
}

/** Runs a built-in action in thought. Returns its changes, why it cannot be, or undefined where there is none of the name. */
export function runBuiltinAction(
  object: KubernetesObject,
  name: string,
  run: ActionRun,
): readonly Change[] | string | undefined {
  const action = builtinsOf(object).find((one) => one.name === name);
  if (!action) return undefined;
  const result = action.run(object, run);
  if ("refused" in result) return result.refused;
  if ("create" in result) return [{ operation: "create", object: result.create }];
  const wanted = applyMergePatch(object as unknown as Json, result.patch) as unknown as KubernetesObject;
  return [{ operation: "patch", object: wanted }];
}

/** What a discovery script returned, as actions by name; a text says what is wrong with it. */
export function actionsFromScript(result: Json): readonly ActionInfo[] | string {
  if (Array.isArray(result) && result.length === 0) return [];
  if (!isObject(result)) return "expect table output from Lua script, with actions by name";
  return Object.entries(result)
    .map(([name, value]): ActionInfo => {
      if (!isObject(value)) return { name };
      const displayName = stringAt(value, "displayName");
      const iconClass = stringAt(value, "iconClass");
      const params = paramsOf(value["params"]);
      return {
        name,
        ...(displayName ? { displayName } : {}),
        ...(iconClass ? { iconClass } : {}),
        ...(params.length > 0 ? { params } : {}),
        ...(value["disabled"] === true ? { disabled: true } : {}),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function paramsOf(value: unknown): readonly ActionParam[] {
  return listAt({ value }, "value").flatMap((entry) => {
    const name = stringAt(entry, "name");
    if (!name) return [];
    const given = isObject(entry) ? entry["default"] : undefined;
    const text = typeof given === "string" || typeof given === "number" ? String(given) : undefined;
    return [{ name, ...(text === undefined ? {} : { default: text }) }];
  });
}

/**
 * What an action's script returned: the object itself, changed, or a list of operations on objects. A text says what is
 * wrong: another object may be made, but only the object itself may be changed.
 */
export function changesFromScript(result: Json, source: KubernetesObject): readonly Change[] | string {
  if (isObject(result)) return changesOf([{ operation: "patch", resource: result }], source);
  if (!Array.isArray(result)) return "expect table output from Lua script: the object, or a list of operations";
  return changesOf(result as readonly Json[], source);
}

function changesOf(list: readonly Json[], source: KubernetesObject): readonly Change[] | string {
  const changes: Change[] = [];
  for (const entry of list) {
    const operation = stringAt(entry, "operation");
    const resource = isObject(entry) ? entry["resource"] : undefined;
    if (operation !== "patch" && operation !== "create")
      return `the operation ${operation ? `"${operation}"` : "of an entry"} is neither create nor patch`;
    if (!isObject(resource) || !stringAt(resource, "apiVersion") || !stringAt(resource, "kind"))
      return "an entry's resource is no Kubernetes object";
    if (operation === "create") {
      changes.push({ operation, object: resource as unknown as KubernetesObject });
      continue;
    }
    const cleaned = withEmptiesOf(resource, source as unknown as JsonObject) as unknown as KubernetesObject;
    if (!sameJson(keyOf(cleaned), keyOf(source)))
      return "only the object that the action is run on may be patched; others may be created";
    changes.push({ operation, object: cleaned });
  }
  return changes;
}

/** Lua has one empty table for lists and mappings: where the object had an empty or other mapping, a mapping it stays. */
function withEmptiesOf(value: Json, before: Json | undefined): Json {
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    if (list.length === 0) return isObject(before) ? (Object.keys(before).length === 0 ? before : {}) : list;
    const old: readonly Json[] = Array.isArray(before) ? (before as readonly Json[]) : [];
    return list.map((item, index) => withEmptiesOf(item, old[index]));
  }
  if (!isObject(value)) return value;
  const old = isObject(before) ? before : {};
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withEmptiesOf(item ?? null, old[key])]));
}

/** What is to be sent of a changed object: the difference in its status, and in the rest; undefined: none. */
export interface ActionPatch {
  readonly main: JsonObject | undefined;
  readonly status: JsonObject | undefined;
}

/** Takes the live object and how an action wants it; returns merge patches of exactly what differs. */
export function patchesOf(live: KubernetesObject, wanted: KubernetesObject): ActionPatch {
  // What the API server alone writes is nobody's to change.
  const own = (object: KubernetesObject): Json => {
    const { managedFields: _m, resourceVersion: _r, generation: _g, uid: _u, ...metadata } = object.metadata;
    return { ...object, metadata } as unknown as Json;
  };
  const { status, ...main } = createMergePatch(own(live), own(wanted)) ?? {};
  return {
    main: Object.keys(main).length > 0 ? main : undefined,
    status: status === undefined ? undefined : { status },
  };
}
