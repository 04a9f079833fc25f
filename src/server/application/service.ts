// The application service: what clients may ask of applications, apart from any transport. Reads come from the watch
// and the controller's memory; writes go to the Application resource, and the controller acts on them.
// Names and semantics follow Argo CD's ApplicationService.
import { DriftlessError, toError } from "#base/errors.ts";
import { createMergePatch } from "#core/merge/merge-patch.ts";
import { applyJsonPatch } from "#core/merge/json-patch.ts";
import { applyMergePatch } from "#core/merge/merge-patch.ts";
import { maskSecrets } from "#core/compare/mask.ts";
import type { Json, JsonObject } from "#base/json.ts";
import { isObject, sameJson } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import { applicationType } from "#controllers/application/reconcile.ts";
import type { AppState } from "#controllers/application/state.ts";
import type { Row } from "#controllers/application/table.ts";
import { resourceTree, type ApplicationTree } from "#controllers/application/tree.ts";
import type { KubeClient } from "#kube/types.ts";
import {
  sourcesOf,
  type Application,
  type ApplicationSpec,
  type Operation,
  type RetryStrategy,
  type SyncOperation,
  type SyncResourceRef,
} from "#model/application.ts";
import { annotation, apiVersion, finalizer } from "#model/names.ts";
import { keyText, type KubernetesObject } from "#model/object.ts";
import type { CommitMetadata } from "#git/types.ts";
import type { Informer } from "#runtime/informer.ts";
import { matchesSelector } from "./selector.ts";

export interface ApplicationServiceDeps {
  readonly control: KubeClient;
  readonly applications: Informer<Application>;
  readonly controller: ApplicationController;
  readonly clock: Clock;
  readonly namespace: string;
  normaliseUrl(url: string): string;
}

export interface ApplicationQuery {
  readonly projects?: readonly string[];
  readonly selector?: string;
  readonly repo?: string;
  readonly appNamespace?: string;
}

export interface AppRef {
  readonly name: string;
  readonly appNamespace?: string;
  readonly project?: string;
}

export interface SyncRequest {
  readonly revision?: string;
  readonly revisions?: readonly string[];
  readonly sourcePositions?: readonly (number | string)[];
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly strategy?: SyncOperation["syncStrategy"];
  readonly resources?: readonly SyncResourceRef[];
  readonly manifests?: readonly string[];
  readonly infos?: readonly { name: string; value: string }[];
  readonly retryStrategy?: RetryStrategy;
  readonly syncOptions?: { readonly items?: readonly string[] };
}

export interface ResourceDiff {
  readonly group?: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly targetState: string;
  readonly liveState: string;
  readonly normalizedLiveState: string;
  readonly predictedLiveState: string;
  readonly resourceVersion?: string;
  readonly modified?: boolean;
  readonly hook?: boolean;
}

const refreshWaitMs = 60_000;

export class ApplicationService {
  readonly #deps: ApplicationServiceDeps;

  constructor(deps: ApplicationServiceDeps) {
    this.#deps = deps;
  }

  /** All applications that the query matches, by name; `resourceVersion` is where a watch can go on from. */
  list(query: ApplicationQuery): { readonly items: readonly Application[]; readonly resourceVersion: string } {
    const items = [...this.#deps.applications.values()].filter((app) => this.matches(app, query));
    items.sort((a, b) => compareNames(a, b));
    return { items, resourceVersion: this.#deps.applications.resourceVersion };
  }

  matches(app: Application, query: ApplicationQuery): boolean {
    const { projects = [], selector = "", repo = "", appNamespace = "" } = query;
    if (projects.length > 0 && !projects.includes(app.spec.project || "default")) return false;
    if (appNamespace !== "" && app.metadata.namespace !== appNamespace) return false;
    if (selector !== "" && !matchesSelector(selector, app.metadata.labels ?? {})) return false;
    if (repo === "") return true;
    const wanted = this.#deps.normaliseUrl(repo);
    return sourcesOf(app.spec).some((source) => this.#deps.normaliseUrl(source.repoURL) === wanted);
  }

  /** One application. With `refresh`, waits until the controller has compared anew. Errors: PERMISSION_DENIED (also where it does not exist, as in Argo CD). */
  async get(op: Op, ref: AppRef & { readonly refresh?: string }): Promise<Application> {
    const app = this.#find(ref);
    if (ref.refresh !== "normal" && ref.refresh !== "hard" && ref.refresh !== "true") return app;
    return this.#refresh(op, app, ref.refresh === "hard" ? "hard" : "normal");
  }

  /** Creates an application; with `upsert` an existing one of another spec is updated, else ALREADY_EXISTS. */
  async create(
    op: Op,
    wanted: Application,
    options: { readonly upsert?: boolean; readonly validate?: boolean },
  ): Promise<Application> {
    const app = this.#normalised(wanted);
    if (options.validate !== false) validate(app);
    try {
      const created = (await this.#deps.control.create(op, applicationType, app, {
        fieldManager: "driftless",
      })) as Application;
      this.#deps.controller.observe(created);
      return created;
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code !== "ALREADY_EXISTS") throw error;
      const existing = this.#find({ name: app.metadata.name!, appNamespace: app.metadata.namespace! });
      if (sameJson(existing.spec, app.spec)) return existing;
      if (!options.upsert) {
        throw new DriftlessError(
          "ALREADY_EXISTS",
          `existing application spec is different, use upsert flag to force update (application ${app.metadata.name})`,
        );
      }
      return this.#change(op, existing, (now) => ({ ...now, spec: app.spec, metadata: mergedMetadata(now, app) }));
    }
  }

  /** Replaces spec, labels, annotations and finalizers. */
  async update(op: Op, wanted: Application, options: { readonly validate?: boolean }): Promise<Application> {
    const app = this.#normalised(wanted);
    if (options.validate !== false) validate(app);
    const existing = this.#find({ name: app.metadata.name!, appNamespace: app.metadata.namespace! });
    return this.#change(op, existing, (now) => ({
      ...now,
      spec: app.spec,
      metadata: {
        ...now.metadata,
        labels: app.metadata.labels ?? {},
        annotations: app.metadata.annotations ?? {},
        finalizers: app.metadata.finalizers ?? [],
      },
    }));
  }

  async updateSpec(
    op: Op,
    ref: AppRef,
    spec: ApplicationSpec,
    options: { readonly validate?: boolean },
  ): Promise<ApplicationSpec> {
    const existing = this.#find(ref);
    const wanted = { ...existing, spec };
    if (options.validate !== false) validate(wanted);
    return (await this.#change(op, existing, (now) => ({ ...now, spec }))).spec;
  }

  /** Patches by RFC 6902 (`json`) or RFC 7386 (`merge`, the default). */
  async patch(op: Op, ref: AppRef, patch: string, patchType: string): Promise<Application> {
    const existing = this.#find(ref);
    let parsed: unknown;
    try {
      parsed = JSON.parse(patch);
    } catch (thrown) {
      throw new DriftlessError("INVALID_ARGUMENT", `patch is not JSON: ${toError(thrown).message}`, {
        details: { field: "patch" },
      });
    }
    return this.#change(op, existing, (now) => {
      const patched = applyPatch(now, parsed, patchType);
      return {
        ...now,
        spec: patched.spec,
        metadata: {
          ...now.metadata,
          labels: patched.metadata.labels ?? {},
          annotations: patched.metadata.annotations ?? {},
          finalizers: patched.metadata.finalizers ?? [],
        },
      };
    });
  }

  /** Deletes an application, by default with its resources in the foreground. */
  async delete(
    op: Op,
    ref: AppRef,
    options: { readonly cascade?: boolean; readonly propagationPolicy?: string },
  ): Promise<void> {
    const existing = this.#find(ref);
    const policy = options.propagationPolicy ?? "";
    if (!["", "foreground", "background"].includes(policy)) {
      throw new DriftlessError("INVALID_ARGUMENT", `invalid propagation policy: ${policy}`, {
        details: { field: "propagationPolicy" },
      });
    }
    if (options.cascade === false && policy !== "") {
      throw new DriftlessError("INVALID_ARGUMENT", "cannot set propagation policy when cascading is disabled", {
        details: { field: "propagationPolicy" },
      });
    }
    const ours: readonly string[] = [finalizer.resources, finalizer.resourcesBackground, finalizer.resourcesForeground];
    const others = (existing.metadata.finalizers ?? []).filter((name) => !ours.includes(name));
    const wanted =
      options.cascade === false
        ? others
        : [...others, policy === "background" ? finalizer.resourcesBackground : finalizer.resources];
    if (!sameJson(wanted, existing.metadata.finalizers ?? [])) {
      await this.#change(op, existing, (now) => ({ ...now, metadata: { ...now.metadata, finalizers: wanted } }));
    }
    await this.#deps.control.delete(op, applicationType, refOf(existing));
  }

  /** Starts a sync. Errors: OPERATION_IN_PROGRESS, FAILED_PRECONDITION (being deleted; automated and another revision). */
  async sync(op: Op, ref: AppRef, request: SyncRequest, username: string): Promise<Application> {
    const app = this.#find(ref);
    if (app.metadata.deletionTimestamp !== undefined)
      throw new DriftlessError("FAILED_PRECONDITION", "application is deleting");
    const automated = app.spec.syncPolicy?.automated;
    const revision = request.revision ?? "";
    const followed = app.spec.source?.targetRevision ?? "";
    if (
      automated &&
      automated.enabled !== false &&
      !request.dryRun &&
      revision !== "" &&
      revision !== followed &&
      revision !== app.status?.sync?.revision
    ) {
      throw new DriftlessError(
        "FAILED_PRECONDITION",
        `Cannot sync to ${revision}: auto-sync currently set to ${followed === "" ? "HEAD" : followed}`,
      );
    }
    const revisions = revisionsOf(app, request);
    const sync: SyncOperation = {
      ...(revision === "" ? {} : { revision }),
      ...(revisions ? { revisions } : {}),
      ...(request.prune ? { prune: true } : {}),
      ...(request.dryRun ? { dryRun: true } : {}),
      ...(request.strategy ? { syncStrategy: request.strategy } : {}),
      ...(request.resources?.length ? { resources: request.resources } : {}),
      ...(request.manifests?.length ? { manifests: request.manifests } : {}),
      ...(request.syncOptions?.items
        ? { syncOptions: request.syncOptions.items }
        : app.spec.syncPolicy?.syncOptions
          ? { syncOptions: app.spec.syncPolicy.syncOptions }
          : {}),
    };
    const retry = request.retryStrategy ?? app.spec.syncPolicy?.retry;
    return this.#startOperation(op, app, {
      sync,
      initiatedBy: { username },
      ...(request.infos?.length ? { info: request.infos } : {}),
      ...(retry ? { retry } : {}),
    });
  }

  /** Syncs to an entry of the history. Errors: FAILED_PRECONDITION where auto-sync is on, NOT_FOUND for the id. */
  async rollback(
    op: Op,
    ref: AppRef,
    request: { id: number; prune?: boolean; dryRun?: boolean },
    username: string,
  ): Promise<Application> {
    const app = this.#find(ref);
    if (app.metadata.deletionTimestamp !== undefined)
      throw new DriftlessError("FAILED_PRECONDITION", "application is deleting");
    const automated = app.spec.syncPolicy?.automated;
    if (automated && automated.enabled !== false) {
      throw new DriftlessError("FAILED_PRECONDITION", "rollback cannot be initiated when auto-sync is enabled");
    }
    const entry = (app.status?.history ?? []).find((item) => item.id === request.id);
    if (!entry)
      throw new DriftlessError("NOT_FOUND", `application ${ref.name} does not have deployment with id ${request.id}`);
    return this.#startOperation(op, app, {
      sync: {
        ...(entry.revision === undefined ? {} : { revision: entry.revision }),
        ...(entry.revisions ? { revisions: entry.revisions } : {}),
        ...(entry.source ? { source: entry.source } : {}),
        ...(entry.sources ? { sources: entry.sources } : {}),
        ...(request.dryRun ? { dryRun: true } : {}),
        ...(request.prune ? { prune: true } : {}),
        syncStrategy: { apply: {} },
        ...(app.spec.syncPolicy?.syncOptions ? { syncOptions: app.spec.syncPolicy.syncOptions } : {}),
      },
      initiatedBy: { username },
    });
  }

  /** Ends the operation in progress; FAILED_PRECONDITION where there is none. */
  async terminate(op: Op, ref: AppRef): Promise<void> {
    const app = this.#find(ref);
    const phase = app.status?.operationState?.phase;
    if (app.operation === undefined && phase !== "Running") {
      throw new DriftlessError("FAILED_PRECONDITION", "Unable to terminate operation. No operation is in progress");
    }
    const patch = phase === "Running" ? { status: { operationState: { phase: "Terminating" } } } : { operation: null };
    const written = await this.#deps.control.patch(op, applicationType, refOf(app), { type: "merge", body: patch });
    this.#deps.controller.observe(written as Application);
  }

  tree(ref: AppRef): ApplicationTree {
    return resourceTree(this.#state(ref));
  }

  /** Desired, live and predicted state of each object, secrets masked. */
  managedResources(
    ref: AppRef,
    filter: Partial<Record<"group" | "kind" | "namespace" | "name", string>>,
  ): readonly ResourceDiff[] {
    const rows = this.#state(ref)
      .table.rows()
      .filter((row) =>
        (["group", "kind", "namespace", "name"] as const).every(
          (part) => !filter[part] || filter[part] === row.key[part],
        ),
      );
    return rows.map(diffOf);
  }

  /** The desired objects as they will be applied, secrets masked; of another revision where one is named. */
  async manifests(
    op: Op,
    ref: AppRef,
    revision = "",
  ): Promise<{ readonly manifests: readonly string[]; readonly revision: string; readonly sourceType: string }> {
    const state = this.#state(ref);
    const desired =
      revision === "" || revision === state.desired?.revisions[0]
        ? state.desired
        : await this.#deps.controller.desiredAt(op, state, [revision]);
    if (!desired)
      throw state.failure ?? new DriftlessError("FAILED_PRECONDITION", "the application has not been rendered yet");
    const objects = [...desired.objects.values(), ...desired.hooks];
    return {
      manifests: objects.map(({ object }) => JSON.stringify(maskSecrets({ desired: object }).desired)),
      revision: desired.revisions[0] ?? "",
      sourceType: desired.sourceTypes[0] ?? "",
    };
  }

  /**
   * What an application looks like in an answer: with the health of each resource, which is not written to its status,
   * and without managedFields, which nobody asked for.
   */
  presented(app: Application): Application {
    const { managedFields: _managed, ...metadata } = app.metadata;
    const resources = app.status?.resources;
    const state = resources && this.#deps.controller.state(app.metadata.namespace ?? "", app.metadata.name ?? "");
    if (!state) return { ...app, metadata };
    const withHealth = resources.map((resource) => {
      const { group = "", kind, namespace = "", name } = resource;
      const health = state.table.row(keyText({ group, kind, namespace, name }))?.health;
      return health ? { ...resource, health } : resource;
    });
    return { ...app, metadata, status: { ...app.status, resources: withHealth } };
  }

  async revisionMetadata(op: Op, ref: AppRef, revision: string): Promise<CommitMetadata> {
    const app = this.#find(ref);
    const source = sourcesOf(app.spec)[0];
    if (!source) throw new DriftlessError("FAILED_PRECONDITION", "the application has no source");
    return this.#deps.controller.sources.open(source.repoURL, app.spec.project || "default").metadata(op, revision);
  }

  /** The application, or the one error for "does not exist" and "not yours". */
  find(ref: AppRef): Application {
    return this.#find(ref);
  }

  #find(ref: AppRef): Application {
    const app = this.#deps.applications.get(ref.appNamespace || this.#deps.namespace, ref.name);
    if (!app || (ref.project && ref.project !== (app.spec.project || "default"))) {
      throw new DriftlessError("NOT_FOUND", `applications.argoproj.io "${ref.name}" not found`, {
        details: { resource: `Application ${ref.name}` },
      });
    }
    return app;
  }

  #state(ref: AppRef): AppState {
    const app = this.#find(ref);
    const state = this.#deps.controller.state(app.metadata.namespace ?? "", app.metadata.name ?? "");
    if (!state) throw new DriftlessError("FAILED_PRECONDITION", "the application has not been looked at yet");
    return state;
  }

  #normalised(app: Application): Application {
    const given: unknown = app;
    if (!isObject(given) || !isObject(given["metadata"]) || !isObject(given["spec"])) {
      throw new DriftlessError("INVALID_ARGUMENT", "an application with metadata and spec is required", {
        details: { field: "application" },
      });
    }
    const namespace = app.metadata.namespace || this.#deps.namespace;
    const { name, labels, annotations, finalizers } = app.metadata;
    return {
      apiVersion,
      kind: "Application",
      metadata: {
        name: name ?? "",
        namespace,
        ...(labels ? { labels } : {}),
        ...(annotations ? { annotations } : {}),
        ...(finalizers ? { finalizers } : {}),
      },
      spec: { ...app.spec, project: app.spec.project || "default" },
      ...(app.operation ? { operation: app.operation } : {}),
    };
  }

  /** Reads, changes, writes; again with the newest version where somebody else was quicker. */
  async #change(op: Op, known: Application, change: (now: Application) => Application): Promise<Application> {
    let now = known;
    for (let attempt = 0; ; attempt++) {
      try {
        const body = createMergePatch(now as unknown as Json, change(now) as unknown as Json);
        if (!body) return now;
        const metadata = body["metadata"] as JsonObject | undefined;
        const guarded = { ...body, metadata: { ...metadata, resourceVersion: now.metadata.resourceVersion } };
        const written = (await this.#deps.control.patch(op, applicationType, refOf(now), {
          type: "merge",
          body: guarded,
        })) as Application;
        this.#deps.controller.observe(written);
        return written;
      } catch (thrown) {
        const error = toError(thrown);
        if (error.code !== "CONFLICT" || attempt >= 5) throw error;
        now = ((await this.#deps.control.get(op, applicationType, refOf(now))) as Application | undefined) ?? now;
      }
    }
  }

  async #startOperation(op: Op, app: Application, operation: Operation): Promise<Application> {
    return this.#change(op, app, (now) => {
      const phase = now.status?.operationState?.phase;
      if (now.operation !== undefined || phase === "Running" || phase === "Terminating") {
        throw new DriftlessError("OPERATION_IN_PROGRESS", "another operation is already in progress");
      }
      return { ...now, operation };
    });
  }

  async #refresh(op: Op, app: Application, kind: "normal" | "hard"): Promise<Application> {
    const { control, controller, applications, clock } = this.#deps;
    const refreshed = new Promise<Application>((resolve, reject) => {
      const end = applications.subscribe(({ after }) => {
        if (
          !after ||
          after.metadata.uid !== app.metadata.uid ||
          after.metadata.annotations?.[annotation.refresh] !== undefined
        )
          return;
        stop();
        resolve(after);
      });
      const cancel = clock.after(refreshWaitMs, () => {
        stop();
        reject(new DriftlessError("DEADLINE_EXCEEDED", "the application was not refreshed in time"));
      });
      const aborted = (): void => {
        stop();
        reject(new DriftlessError("CANCELLED", "the caller gave up"));
      };
      const stop = (): void => {
        end();
        cancel();
        op.signal.removeEventListener("abort", aborted);
      };
      op.signal.addEventListener("abort", aborted);
      control
        .patch(op, applicationType, refOf(app), {
          type: "merge",
          body: { metadata: { annotations: { [annotation.refresh]: kind } } },
        })
        .then((written) => controller.observe(written as Application))
        .catch((thrown: unknown) => {
          stop();
          reject(toError(thrown));
        });
    });
    return refreshed;
  }
}

function refOf(app: Application): { namespace: string; name: string } {
  return { namespace: app.metadata.namespace ?? "", name: app.metadata.name ?? "" };
}

function compareNames(a: Application, b: Application): number {
  const [left, right] = [`${a.metadata.name}/${a.metadata.namespace}`, `${b.metadata.name}/${b.metadata.namespace}`];
  return left < right ? -1 : left > right ? 1 : 0;
}

function mergedMetadata(now: Application, wanted: Application): Application["metadata"] {
  return {
    ...now.metadata,
    labels: { ...now.metadata.labels, ...wanted.metadata.labels },
    annotations: { ...now.metadata.annotations, ...wanted.metadata.annotations },
    ...(wanted.metadata.finalizers ? { finalizers: wanted.metadata.finalizers } : {}),
  };
}

/** What can be said of a spec without looking at repositories or clusters. Error: SPEC_INVALID naming the field. */
function validate(app: Application): void {
  const refuse = (field: string, message: string): never => {
    throw new DriftlessError("SPEC_INVALID", `application spec for ${app.metadata.name} is invalid: ${message}`, {
      details: { field },
    });
  };
  const name = app.metadata.name ?? "";
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) || name.length > 253)
    refuse("metadata.name", `"${name}" is not a valid name`);
  const sources = sourcesOf(app.spec);
  if (sources.length === 0) refuse("spec.source", "spec.source is required");
  for (const source of sources) {
    if (!source.repoURL) refuse("spec.source.repoURL", "spec.source.repoURL is required");
    if (!source.path && !source.chart && !source.ref)
      refuse("spec.source.path", "spec.source.path or spec.source.chart is required");
  }
  const { server, name: clusterName } = app.spec.destination ?? {};
  if (!server && !clusterName) refuse("spec.destination", "Destination server missing from app spec");
  if (server && clusterName)
    refuse(
      "spec.destination",
      `application destination can't have both name and server defined: ${clusterName} ${server}`,
    );
}

function applyPatch(app: Application, patch: unknown, patchType: string): Application {
  if (patchType === "json") {
    if (!Array.isArray(patch))
      throw new DriftlessError("INVALID_ARGUMENT", "a JSON patch is a list of operations", {
        details: { field: "patch" },
      });
    const result = applyJsonPatch(app as unknown as Json, patch as JsonObject[]);
    if (!result.ok) throw new DriftlessError("INVALID_ARGUMENT", result.error, { details: { field: "patch" } });
    return result.value as unknown as Application;
  }
  if (patchType !== "merge" && patchType !== "") {
    throw new DriftlessError("INVALID_ARGUMENT", `Patch type '${patchType}' is not supported`, {
      details: { field: "patchType" },
    });
  }
  return applyMergePatch(app as unknown as Json, patch as Json) as unknown as Application;
}

function revisionsOf(app: Application, request: SyncRequest): readonly string[] | undefined {
  const sources = app.spec.sources;
  if (!sources?.length || !request.revisions?.length) return undefined;
  const revisions = sources.map((source) => source.targetRevision ?? "");
  (request.sourcePositions ?? []).forEach((position, index) => {
    const at = Number(position) - 1;
    if (at < 0 || at >= revisions.length)
      throw new DriftlessError("INVALID_ARGUMENT", "source position is out of range", {
        details: { field: "sourcePositions" },
      });
    revisions[at] = request.revisions![index] ?? revisions[at]!;
  });
  return revisions;
}

function diffOf(row: Row): ResourceDiff {
  const masked = maskSecrets({
    ...(row.desired ? { desired: row.desired.object } : {}),
    ...(row.live?.object ? { live: row.live.object } : {}),
    ...(row.predicted ? { predicted: row.predicted } : {}),
  });
  const text = (object: KubernetesObject | undefined): string => (object ? JSON.stringify(object) : "null");
  const { group, kind, namespace, name } = row.key;
  return {
    ...(group === "" ? {} : { group }),
    kind,
    ...(namespace === "" ? {} : { namespace }),
    name,
    targetState: text(masked.desired),
    liveState: text(masked.live),
    normalizedLiveState: text(masked.live),
    predictedLiveState: text(row.desired ? (masked.predicted ?? masked.live ?? masked.desired) : undefined),
    ...(row.live ? { resourceVersion: row.live.resourceVersion } : {}),
    ...(row.sync === "OutOfSync" ? { modified: true } : {}),
    ...(row.isHook ? { hook: true } : {}),
  };
}
