// Resource actions: which ones a live object of an application's tree has, and running one. The object is read anew, what
// an action makes of it is decided in core/actions or by a user's script in the engine, and only the difference is sent.
// Names and semantics follow Argo CD's ListResourceActions and RunResourceAction.
import { DriftlessError, toError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import type { DestinationCluster } from "#controllers/application/deps.ts";
import { patchesOf, type ActionInfo, type Change } from "#core/actions/actions.ts";
import { whyForbidden } from "#core/policy/project.ts";
import type { ResourceType } from "#kube/types.ts";
import type { AppProject, Application } from "#model/application.ts";
import { group } from "#model/names.ts";
import { displayKey, gvkOf, keyOf, parseApiVersion, type KubernetesObject } from "#model/object.ts";
import type { ActionMeans } from "./action-means.ts";
import { ActionScripts } from "./action-scripts.ts";
import type { ApplicationQueries, AppRef } from "../queries.ts";
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
  readonly #scripts: ActionScripts;
  readonly #queries: ApplicationQueries;
  readonly #resources: ApplicationResources;

  constructor(deps: ActionDeps, queries: ApplicationQueries, resources: ApplicationResources) {
    this.#deps = deps;
    const { clock, actions } = deps;
    this.#scripts = new ActionScripts({ clock, evaluators: actions.evaluators, settings: () => actions.settings() });
    this.#queries = queries;
    this.#resources = resources;
  }

  /** The actions of an object, by name. Errors: NOT_FOUND, FAILED_PRECONDITION, RENDER_FAILED (a script), ENGINE_MISSING. */
  async list(op: Op, target: ActionTarget): Promise<readonly ActionInfo[]> {
    // Argo CD's command line asks for the application's own actions beside those of its objects.
    const app = this.#queries.find(target.ref);
    if (isItself(app, target)) return this.#scripts.list(op, app);
    const { object } = await this.#find(op, target);
    return this.#scripts.list(op, object);
  }

  /**
   * Runs an action on an object of the application's tree. Errors: NOT_FOUND (the object, or the action), FAILED_PRECONDITION
   * (disabled as the object is), PROJECT_FORBIDS, INVALID_ARGUMENT (a parameter), RENDER_FAILED (a script), ENGINE_MISSING,
   * and those of the cluster.
   */
  async run(op: Op, request: ActionRequest): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const target = await this.#find(op, request);
      const changes = await this.#scripts.changes(op, target.object, request);
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
    const wanted = { group, kind, namespace, name: resourceName };
    const node = this.#resources.node(ref, wanted);
    const shown = displayKey(wanted);
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

function isItself(
  { metadata }: Application,
  { group: of = "", kind, namespace = "", resourceName }: ActionTarget,
): boolean {
  return of === group && kind === "Application" && resourceName === metadata.name && namespace === metadata.namespace;
}
