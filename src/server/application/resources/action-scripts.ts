// Which actions an object has and what one makes of it: the built-in ones, and those that the settings define by scripts,
// which run in the engine. Reads and writes no cluster.
import { DriftlessError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import {
  actionsFromScript,
  builtinActionsOf,
  changesFromScript,
  parseCustomActions,
  runBuiltinAction,
  type ActionInfo,
  type Change,
  type CustomActions,
} from "#core/actions/actions.ts";
import { KindTable } from "#model/kind-table.ts";
import { gvkOf, type KubernetesObject } from "#model/object.ts";
import type { ResourceCustomization, Settings } from "#model/settings.ts";
import type { Evaluators } from "#render/engine/evaluate.ts";

interface ScriptMeans {
  readonly clock: Pick<Clock, "now">;
  readonly evaluators: Pick<Evaluators, "lua">;
  settings(): Pick<Settings, "resourceCustomizations">;
}

export class ActionScripts {
  readonly #means: ScriptMeans;

  constructor(means: ScriptMeans) {
    this.#means = means;
  }

  /** What the settings define for the object's kind. Error: CONFIG_INVALID naming the key. */
  #custom(object: KubernetesObject): CustomActions | undefined {
    const { group, kind } = gvkOf(object);
    const table = new KindTable<ResourceCustomization>();
    for (const entry of this.#means.settings().resourceCustomizations)
      if (entry.field === "actions" && entry.text.trim() !== "") table.add(entry.groupKind, entry);
    const entry = table.find(group, kind);
    if (!entry) return undefined;
    const parsed = parseCustomActions(entry.text);
    if (typeof parsed !== "string") return parsed;
    const key = `resource.customizations.actions.${entry.groupKind.replace(/^\//, "").replace("/", "_")}`;
    throw new DriftlessError("CONFIG_INVALID", `${key}: ${parsed}`, { details: { resource: "ConfigMap argocd-cm" } });
  }

  /** The actions of an object, by name. Errors: CONFIG_INVALID, RENDER_FAILED (a script), ENGINE_MISSING. */
  async list(op: Op, object: KubernetesObject): Promise<readonly ActionInfo[]> {
    const custom = this.#custom(object);
    if (!custom) return byName(builtinActionsOf(object));
    const own = custom.discovery.trim() === "" ? [] : await this.#discover(op, object, custom);
    if (!custom.mergeBuiltin) return own;
    const names = new Set(own.map(({ name }) => name));
    return byName([...own, ...builtinActionsOf(object).filter(({ name }) => !names.has(name))]);
  }

  async #discover(op: Op, object: KubernetesObject, custom: CustomActions): Promise<readonly ActionInfo[]> {
    const found = actionsFromScript(await this.#script(op, custom.discovery, { obj: json(object) }));
    if (typeof found === "string") throw new DriftlessError("RENDER_FAILED", `discovery.lua: ${found}`);
    return found;
  }

  /**
   * What an action makes of an object. Errors: NOT_FOUND (no such action), FAILED_PRECONDITION (disabled as the object is),
   * INVALID_ARGUMENT (a parameter), CONFIG_INVALID, RENDER_FAILED (a script), ENGINE_MISSING.
   */
  async changes(
    op: Op,
    object: KubernetesObject,
    request: { readonly action: string; readonly params: Readonly<Record<string, string>> },
  ): Promise<readonly Change[]> {
    const { action, params } = request;
    const info = (await this.list(op, object)).find(({ name }) => name === action);
    if (!info)
      throw new DriftlessError("NOT_FOUND", `${object.kind} ${object.metadata.name} has no action "${action}"`);
    if (info.disabled)
      throw new DriftlessError(
        "FAILED_PRECONDITION",
        `the action ${action} is disabled, as ${object.kind} ${object.metadata.name} is now`,
      );
    const script = this.#custom(object)?.scripts.get(action);
    if (script === undefined) {
      const found = runBuiltinAction(object, action, { params, nowMs: this.#means.clock.now() });
      if (found === undefined)
        throw new DriftlessError("NOT_FOUND", `the settings define no action.lua for the action "${action}"`);
      if (typeof found === "string")
        throw new DriftlessError("INVALID_ARGUMENT", found, { details: { field: "resourceActionParameters" } });
      return found;
    }
    const changes = changesFromScript(
      await this.#script(op, script, { obj: json(object), actionParams: params }),
      object,
    );
    if (typeof changes === "string") throw new DriftlessError("RENDER_FAILED", `action.lua of ${action}: ${changes}`);
    return changes;
  }

  /** Actions have Lua's text and number libraries, as in Argo CD; files and programs stay closed. */
  async #script(op: Op, script: string, globals: JsonObject): Promise<Json> {
    const [outcome] = await this.#means.evaluators.lua(op, [{ script, globals, allLibraries: true }]);
    if (outcome?.ok === true) return outcome.value;
    throw outcome?.error ?? new DriftlessError("INTERNAL", "the engine gave no answer");
  }
}

function byName(actions: readonly ActionInfo[]): readonly ActionInfo[] {
  return [...actions].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function json(object: KubernetesObject): Json {
  return object as unknown as Json;
}
