// Writes of the application service: create, update, patch, delete. They go to the Application resource; the controller
// acts on them. Names and semantics follow Argo CD's ApplicationService.
import { catalogue, DriftlessError, toError, type ErrorEntry } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import { isObject, sameJson } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { applicationType } from "#controllers/application/application-type.ts";
import { applyJsonPatch } from "#core/merge/json-patch.ts";
import { applyMergePatch } from "#core/merge/merge-patch.ts";
import { sourceProblem } from "#core/policy/sources.ts";
import { sourcesOf, type Application, type ApplicationSpec } from "#model/application.ts";
import { apiVersion, finalizer } from "#model/names.ts";
import { readJson } from "../bodies.ts";
import { changeApplication, refOf, type Change } from "./changes.ts";
import type { ApplicationServiceDeps } from "./deps.ts";
import type { ApplicationQueries, AppRef } from "./queries.ts";
import { withKeptCredentials } from "./source-credentials.ts";

export class ApplicationWrites {
  readonly #deps: ApplicationServiceDeps;
  readonly #queries: ApplicationQueries;

  constructor(deps: ApplicationServiceDeps, queries: ApplicationQueries) {
    this.#deps = deps;
    this.#queries = queries;
  }

  /** Creates an application; with `upsert` an existing one of another spec is updated, else ALREADY_EXISTS. */
  async create(
    op: Op,
    wanted: Application,
    options: { readonly upsert?: boolean; readonly validate?: boolean },
  ): Promise<Application> {
    const app = this.normalised(wanted);
    await this.#admit(op, app, this.#queries.known(app), options);
    try {
      const created = (await this.#deps.control.create(op, applicationType, app, {
        fieldManager: "driftless",
      })) as Application;
      this.#deps.controller.observe(created);
      return created;
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code !== "ALREADY_EXISTS") throw error;
      const existing = this.#queries.find({ name: app.metadata.name!, appNamespace: app.metadata.namespace! });
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
    const app = this.normalised(wanted);
    const existing = this.#queries.find({ name: app.metadata.name!, appNamespace: app.metadata.namespace! });
    await this.#admit(op, app, existing, options);
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
    given: ApplicationSpec,
    options: { readonly validate?: boolean },
  ): Promise<ApplicationSpec> {
    const existing = this.#queries.find(ref);
    const spec = withKeptCredentials(given, existing);
    const wanted = { ...existing, spec };
    await this.#admit(op, wanted, existing, options);
    return (await this.#change(op, existing, (now) => ({ ...now, spec }))).spec;
  }

  /** Patches by RFC 6902 (`json`) or RFC 7386 (`merge`, the default). */
  async patch(op: Op, ref: AppRef, patch: string, patchType: string): Promise<Application> {
    const existing = this.#queries.find(ref);
    const wanted = this.patched(existing, patch, patchType);
    await this.#admit(op, wanted, existing, {});
    return this.#change(op, existing, (now) => this.patched(now, patch, patchType));
  }

  /** What a patch would make of an application; only spec, labels, annotations and finalizers change. Error: INVALID_ARGUMENT. */
  patched(now: Application, patch: string, patchType: string): Application {
    const { spec, metadata } = applyPatch(now, readJson(patch, "patch"), patchType);
    return {
      ...now,
      spec: withKeptCredentials(spec, now),
      metadata: {
        ...now.metadata,
        labels: metadata.labels ?? {},
        annotations: metadata.annotations ?? {},
        finalizers: metadata.finalizers ?? [],
      },
    };
  }

  /** Deletes an application, by default with its resources in the foreground. */
  async delete(
    op: Op,
    ref: AppRef,
    options: { readonly cascade?: boolean; readonly propagationPolicy?: string },
  ): Promise<void> {
    const existing = this.#queries.find(ref);
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

  /** An application as it would be written. Errors: INVALID_ARGUMENT, SPEC_INVALID. */
  wanted(app: Application): Application {
    const wanted = this.normalised(app);
    validate(wanted);
    return wanted;
  }

  /** An application as it will be written. Error: INVALID_ARGUMENT. */
  normalised(app: Application): Application {
    const given: unknown = app;
    if (!isObject(given) || !isObject(given["metadata"]) || !isObject(given["spec"])) {
      throw new DriftlessError("INVALID_ARGUMENT", "an application with metadata and spec is required", {
        details: { field: "application" },
      });
    }
    const namespace = app.metadata.namespace || this.#deps.namespace;
    const { name, labels, annotations, finalizers } = app.metadata;
    const known = this.#queries.known({ metadata: { name, namespace } } as Application);
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
      // An operation is asked for by sync alone, which has rights of its own.
      spec: { ...withKeptCredentials(app.spec, known), project: app.spec.project || "default" },
    };
  }

  /** Whether an Application may be written as it is; `validate: false` skips what does not concern its project. */
  async #admit(
    op: Op,
    app: Application,
    existing: Application | undefined,
    options: { readonly validate?: boolean },
  ): Promise<void> {
    validateName(app);
    if (options.validate !== false) validate(app);
    this.#requirePermitted(app);
    if (options.validate !== false) await this.#requireSources(op, app, existing);
  }

  /**
   * Namespace, project, sources and destination, as Argo CD's API has them said. Which projects there are is nobody's to
   * find out: one that is not there and one that does not let the application in have one answer.
   */
  #requirePermitted(app: Application): void {
    const problems = this.#deps.controller.problemsOf(app);
    const [first] = problems;
    if (!first) return;
    const { field } = first.details;
    if (first.code === "PERMISSION_DENIED") throw first;
    if (field === "spec.project")
      throw new DriftlessError(
        "SPEC_INVALID",
        `app is not allowed in project ${JSON.stringify(app.spec.project)}, or the project does not exist`,
        { details: { field } },
      );
    const said = problems.map(({ message }) => `InvalidSpecError: ${message}`).join(";");
    throw new DriftlessError("SPEC_INVALID", `application spec for ${app.metadata.name} is invalid: ${said}`, {
      ...(field === undefined ? {} : { details: { field } }),
      cause: first,
    });
  }

  /**
   * Sources that are not those it has had must be there and render: nobody finds out later. Errors: SPEC_INVALID with the
   * reason, PROJECT_FORBIDS, and those of the cluster.
   */
  async #requireSources(op: Op, app: Application, existing: Application | undefined): Promise<void> {
    const { controller } = this.#deps;
    if (existing && sameJson(sourcesOf(existing.spec), sourcesOf(app.spec))) return;
    try {
      await controller.desiredAt(op, controller.outline(app), []);
    } catch (thrown) {
      const error = toError(thrown);
      if (!isAboutSources(error)) throw error;
      const message = `application spec for ${app.metadata.name} is invalid: ${error.message}`;
      throw new DriftlessError("SPEC_INVALID", message, { details: { ...error.details }, cause: thrown });
    }
  }

  #change(op: Op, known: Application, change: Change): Promise<Application> {
    return changeApplication(op, this.#deps, known, change);
  }
}

/** Whether an error speaks of sources: what shows as a ComparisonError, but for the cluster's part. */
function isAboutSources({ code }: DriftlessError): boolean {
  const entry: ErrorEntry = catalogue[code];
  return entry.condition === "ComparisonError" && !/^(CLUSTER_|ENGINE_)/.test(code);
}

function mergedMetadata(now: Application, wanted: Application): Application["metadata"] {
  return {
    ...now.metadata,
    labels: { ...now.metadata.labels, ...wanted.metadata.labels },
    annotations: { ...now.metadata.annotations, ...wanted.metadata.annotations },
    ...(wanted.metadata.finalizers ? { finalizers: wanted.metadata.finalizers } : {}),
  };
}

function invalid(app: Application, field: string, message: string): DriftlessError {
  return new DriftlessError("SPEC_INVALID", `application spec for ${app.metadata.name} is invalid: ${message}`, {
    details: { field },
  });
}

/** Error: SPEC_INVALID. */
function validateName(app: Application): void {
  const name = app.metadata.name ?? "";
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) || name.length > 253)
    throw invalid(app, "metadata.name", `"${name}" is not a valid name`);
}

/** What can be said of a spec without looking at projects, repositories or clusters. Error: SPEC_INVALID naming the field. */
function validate(app: Application): void {
  const refuse = (field: string, message: string): never => {
    throw invalid(app, field, message);
  };
  validateName(app);
  const problem = sourceProblem(app.spec);
  if (problem) refuse(problem.field, problem.message);
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
