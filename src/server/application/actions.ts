// Resource actions: which ones a live object of an application's tree has, and running one. The object is read anew, what
// an action makes of it is decided in core/actions or by a user's script in the engine, and only the difference is sent.
// Names and semantics follow Argo CD's ListResourceActions and RunResourceAction.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import type { DestinationCluster } from "#controllers/application/deps.ts";
import {
  actionsFromScript,
  builtinActionsOf,
  changesFromScript,
  parseCustomActions,
  patchesOf,
  runBuiltinAction,
  type ActionInfo,
  type Change,
  type CustomActions,
} from "#core/actions/actions.ts";
import { whyForbidden } from "#core/policy/project.ts";
import type { ResourceType } from "#kube/types.ts";
import type { AppProject, Application } from "#model/application.ts";
import { KindTable } from "#model/kind-table.ts";
import { group } from "#model/names.ts";
import { displayKey, gvkOf, keyOf, parseApiVersion, type KubernetesObject } from "#model/object.ts";
import type { ResourceCustomization } from "#model/settings.ts";
import type { ActionMeans } from "./action-means.ts";
import type { ApplicationQueries, AppRef } from "./queries.ts";
import type { ApplicationResources } from "./resources.ts";

interface ActionDeps {
  readonly controller: ApplicationController;
  readonly clock: Clock;
  readonly actions: ActionMeans;
}

/** The object that is meant, as requests name it. */
export interface ActionTarget {
  readonly ref: AppRef;
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly resourceName?: string;
}

export interface ActionRequest extends ActionTarget {
  readonly action: string;
  readonly params: Readonly<Record<string, string>>;
}

interface Target {
  readonly app: Application;
  readonly project: AppProject;
  readonly cluster: DestinationCluster;
  readonly type: ResourceType;
  readonly object: KubernetesObject;
}

const fieldManager = "argocd-server";
const attempts = 5;

export class ResourceActions {
  readonly #deps: ActionDeps;
  readonly #queries: ApplicationQueries;
  readonly #resources: ApplicationResources;

  constructor(deps: ActionDeps, queries: ApplicationQueries, resources: ApplicationResources) {
    this.#deps = deps;
    this.#queries = queries;
    this.#resources = resources;
  }

  /** The actions of an object, by name. Errors: NOT_FOUND, FAILED_PRECONDITION, RENDER_FAILED (a script), ENGINE_MISSING. */
  async list(op: Op, target: ActionTarget): Promise<readonly ActionInfo[]> {
    // Argo CD's command line asks for the application's own actions beside those of its objects.
    const app = this.#queries.find(target.ref);
    if (isItself(app, target)) return this.#actionsOf(op, app);
    const { object } = await this.#find(op, target);
    return this.#actionsOf(op, object);
  }

  /**
   * Runs an action on an object of the application's tree. Errors: NOT_FOUND (the object, or the action), FAILED_PRECONDITION
   * (disabled as the object is), PROJECT_FORBIDS, INVALID_ARGUMENT (a parameter), RENDER_FAILED (a script), ENGINE_MISSING,
   * and those of the cluster.
   */
  async run(op: Op, request: ActionRequest): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const target = await this.#find(op, request);
      const changes = await this.#changes(op, target.object, request);
      for (const change of changes) this.#permit(target, change);
      try {
        for (const change of changes) await this.#apply(op, target, change);
      } catch (thrown) {
        const error = toError(thrown);
        // Somebody changed it meanwhile: what the action makes of it may be another now.
        const again = error.code === "CONFLICT" && attempt < attempts && changes.every((c) => c.operation === "patch");
        if (!again) throw error;
        continue;
      }
      return;
    }
  }

  async #find(op: Op, target: ActionTarget): Promise<Target> {
    const { ref, group = "", kind = "", namespace = "", resourceName = "" } = target;
    const app = this.#queries.find(ref);
    const node = this.#resources
      .nodes(ref)
      .find(
        (one) =>
          one.kind === kind &&
          one.name === resourceName &&
          (one.group ?? "") === group &&
          (one.namespace ?? "") === namespace,
      );
    const shown = displayKey({ group, kind, namespace, name: resourceName });
    if (!node) throw new DriftlessError("NOT_FOUND", `${shown} is not part of application ${ref.name}`);
    const { cluster } = this.#queries.state(ref);
    if (!cluster) throw new DriftlessError("FAILED_PRECONDITION", "the application's cluster is not known yet");
    const type = cluster.typeOf({ group, version: node.version ?? target.version ?? "", kind });
    const found =
      type && (await cluster.client.get(op, type, { name: resourceName, ...(namespace ? { namespace } : {}) }));
    if (!type || !found) throw new DriftlessError("NOT_FOUND", `${shown} does not exist on the cluster`);
    // The name may be another object's by now.
    if (node.uid !== undefined && found.metadata.uid !== node.uid)
      throw new DriftlessError("NOT_FOUND", `${shown} was replaced by another object: try again`);
    const name = app.spec.project || "default";
    const project = this.#deps.actions.project(name);
    if (!project) throw new DriftlessError("FAILED_PRECONDITION", `project ${name} does not exist`);
    const { managedFields: _managed, ...metadata } = found.metadata;
    return { app, project, cluster, type, object: { ...found, metadata } };
  }

  /** What the settings define for the object's kind. Error: CONFIG_INVALID naming the key. */
  #custom(object: KubernetesObject): CustomActions | undefined {
    const { group, kind } = gvkOf(object);
    const table = new KindTable<ResourceCustomization>();
    for (const entry of this.#deps.actions.settings().resourceCustomizations)
      if (entry.field === "actions" && entry.text.trim() !== "") table.add(entry.groupKind, entry);
    const entry = table.find(group, kind);
    if (!entry) return undefined;
    const parsed = parseCustomActions(entry.text);
    if (typeof parsed !== "string") return parsed;
    const key = `resource.customizations.actions.${entry.groupKind.replace(/^\//, "").replace("/", "_")}`;
    throw new DriftlessError("CONFIG_INVALID", `${key}: ${parsed}`, { details: { resource: "ConfigMap argocd-cm" } });
  }

  async #actionsOf(op: Op, object: KubernetesObject): Promise<readonly ActionInfo[]> {
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

  async #changes(op: Op, object: KubernetesObject, request: ActionRequest): Promise<readonly Change[]> {
    const { action, params } = request;
    const info = (await this.#actionsOf(op, object)).find(({ name }) => name === action);
    if (!info)
      throw new DriftlessError("NOT_FOUND", `${object.kind} ${object.metadata.name} has no action "${action}"`);
    if (info.disabled)
      throw new DriftlessError(
        "FAILED_PRECONDITION",
        `the action ${action} is disabled, as ${object.kind} ${object.metadata.name} is now`,
      );
    const script = this.#custom(object)?.scripts.get(action);
    if (script === undefined) {
      const found = runBuiltinAction(object, action, { params, nowMs: this.#deps.clock.now() });
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
    const [outcome] = await this.#deps.actions.evaluators.lua(op, [{ script, globals, allLibraries: true }]);
    if (outcome?.ok === true) return outcome.value;
    throw outcome?.error ?? new DriftlessError("INTERNAL", "the engine gave no answer");
  }

  /** What an action may touch is what the project permits. */
  #permit({ app, project, cluster, object }: Target, change: Change): void {
    const key = keyOf(change.object);
    const type = cluster.typeOf({ ...key, version: parseApiVersion(change.object.apiVersion).version });
    if (!type) throw new DriftlessError("INVALID_ARGUMENT", `the cluster does not know the kind of ${displayKey(key)}`);
    const namespace = type.namespaced ? key.namespace || (object.metadata.namespace ?? "") : "";
    const reason = whyForbidden(project, { ...key, namespace }, type.namespaced, {
      server: cluster.server,
      name: cluster.name,
      namespace: namespace || (app.spec.destination.namespace ?? ""),
    });
    if (reason !== undefined) throw new DriftlessError("PROJECT_FORBIDS", reason);
  }

  async #apply(op: Op, { cluster, type, object }: Target, change: Change): Promise<void> {
    const { client, cache } = cluster;
    if (change.operation === "create") {
      const made = cluster.typeOf(gvkOf(change.object))!;
      const namespace = change.object.metadata.namespace ?? object.metadata.namespace;
      const metadata = { ...change.object.metadata, ...(made.namespaced && namespace ? { namespace } : {}) };
      cache.observe(await client.create(op, made, { ...change.object, metadata }, { fieldManager }));
      return;
    }
    const { name = "", namespace, resourceVersion } = object.metadata;
    const at = { name, ...(namespace === undefined ? {} : { namespace }) };
    const { main, status } = patchesOf(object, change.object);
    let now = resourceVersion;
    const send = async (body: JsonObject, subresource?: string): Promise<void> => {
      const guarded = { ...body, metadata: { ...(body["metadata"] as JsonObject | undefined), resourceVersion: now } };
      const options = { fieldManager, ...(subresource ? { subresource } : {}) };
      const answer = await client.patch(op, type, at, { type: "merge", body: guarded }, options);
      now = answer.metadata.resourceVersion;
      cache.observe(answer);
    };
    const apart = type.subresources.includes("status");
    if (apart) {
      if (main) await send(main);
      if (status) await send(status, "status");
    } else if (main || status) await send({ ...main, ...status });
  }
}

function byName(actions: readonly ActionInfo[]): readonly ActionInfo[] {
  return [...actions].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function json(object: KubernetesObject): Json {
  return object as unknown as Json;
}

function isItself(
  { metadata }: Application,
  { group: of = "", kind, namespace = "", resourceName }: ActionTarget,
): boolean {
  return of === group && kind === "Application" && resourceName === metadata.name && namespace === metadata.namespace;
}
