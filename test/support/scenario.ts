// What an end-to-end scenario works with: a namespace, repositories and applications of its own on a running
// `driftless up` that it shares with the other scenarios. A scenario reads as given, when, then.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isObject, type Json, type JsonObject } from "#base/json.ts";
import type { Application, ApplicationSpec, ApplicationStatus } from "#model/application.ts";
import { finalizer } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ClusterUnderTest } from "./cluster.ts";
import { eventually, type Patience } from "./eventually.ts";
import type { Kube } from "./kube.ts";
import { cloneRepository, createBare, type Files, type Repository } from "./repository.ts";
import type { Up } from "./up.ts";

/** What the scenarios of one cluster share. */
export interface World {
  readonly cluster: ClusterUnderTest["name"];
  readonly up: Up;
  readonly kube: Kube;
  /** The folder of plugins that are commands of the machine. */
  readonly pluginCommands: string;
  /** Tells that a scenario ended with this clean-up still to be done, after all of them. */
  later(cleanUp: () => Promise<void> | void): void;
}

export interface Scenario {
  readonly name: string;
  /** Why it is left out on a cluster. */
  readonly not?: Partial<Record<ClusterUnderTest["name"], string>>;
  readonly run: (stage: Stage) => Promise<void>;
}

/** Names a scenario; `name` is a sentence, of which names of objects are made. */
export function scenario(name: string, run: Scenario["run"], not?: Scenario["not"]): Scenario {
  return { name, run, ...(not ? { not } : {}) };
}

export interface ApplicationWish {
  /** Added to the scenario's own name where it has several applications. */
  readonly suffix?: string;
  readonly repository?: Repository;
  readonly repoURL?: string;
  readonly path?: string;
  readonly revision?: string;
  /** true: with prune and selfHeal. Absent: synced by hand. */
  readonly automated?: boolean | NonNullable<ApplicationSpec["syncPolicy"]>["automated"];
  readonly syncOptions?: readonly string[];
  readonly retry?: NonNullable<ApplicationSpec["syncPolicy"]>["retry"];
  readonly namespace?: string;
  readonly project?: string;
  readonly recurse?: boolean;
  readonly cascade?: "foreground" | "background";
  readonly spec?: Partial<ApplicationSpec>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export class Stage {
  readonly world: World;
  /** Of this scenario alone, in names of objects: lower case, at most 40 characters. */
  readonly name: string;
  /** Where its applications deploy to. */
  readonly namespace: string;

  constructor(world: World, name: string, unique = "") {
    this.world = world;
    const slug = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replace(/^(an?|the)-/, "");
    this.name = slug.slice(0, 40 - unique.length).replaceAll(/^-|-$/g, "") + unique;
    this.namespace = `e2e-${this.name}`;
  }

  get up(): Up {
    return this.world.up;
  }

  get kube(): Kube {
    return this.world.kube;
  }

  /** Given: a repository on the Git server of `driftless up`, which hears of pushes at once; files pushed to main. */
  async repository(files: Files = {}, suffix = ""): Promise<Repository> {
    const name = `${this.name}${suffix === "" ? "" : `-${suffix}`}`;
    await createBare(join(this.up.dataDir, "repositories", `${name}.git`));
    const url = new URL(`/${name}.git`, this.up.cloneUrl).href;
    const repository = await cloneRepository(url);
    this.world.later(() => repository.close());
    if (Object.keys(files).length > 0) await repository.push(files, { message: "First" });
    return repository;
  }

  /** Given: a repository in a folder, reached by file://, of whose pushes `driftless up` hears nothing by itself. */
  async fileRepository(files: Files = {}): Promise<Repository> {
    const directory = mkdtempSync(join(tmpdir(), "driftless-bare-"));
    this.world.later(() => rmSync(directory, { recursive: true, force: true }));
    const bare = join(directory, `${this.name}.git`);
    await createBare(bare);
    const repository = await cloneRepository(`file://${bare}`);
    this.world.later(() => repository.close());
    if (Object.keys(files).length > 0) await repository.push(files, { message: "First" });
    return repository;
  }

  /** Given: a namespace to deploy to. */
  async targetNamespace(name = this.namespace): Promise<string> {
    if (!(await this.kube.get("Namespace", name)))
      await this.kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    return name;
  }

  /** Given: an application, made through the Kubernetes API; its namespace is made too unless options create it. */
  async application(wish: ApplicationWish): Promise<AppHandle> {
    const namespace = wish.namespace ?? this.namespace;
    if (wish.namespace === undefined && !wish.syncOptions?.includes("CreateNamespace=true"))
      await this.targetNamespace();
    const name = `${this.name}${wish.suffix === undefined ? "" : `-${wish.suffix}`}`;
    const automated = wish.automated === true ? { prune: true, selfHeal: true } : wish.automated || undefined;
    const finalizers = wish.cascade
      ? [wish.cascade === "background" ? finalizer.resourcesBackground : finalizer.resources]
      : undefined;
    const syncPolicy = {
      ...(automated ? { automated } : {}),
      ...(wish.syncOptions ? { syncOptions: wish.syncOptions } : {}),
      ...(wish.retry ? { retry: wish.retry } : {}),
    };
    await this.kube.create({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: {
        name,
        namespace: this.up.namespace,
        ...(finalizers ? { finalizers } : {}),
        ...(wish.annotations ? { annotations: wish.annotations } : {}),
      },
      spec: {
        project: wish.project ?? "default",
        source: {
          repoURL: wish.repoURL ?? wish.repository?.url ?? "",
          targetRevision: wish.revision ?? "main",
          path: wish.path ?? ".",
          ...(wish.recurse ? { directory: { recurse: true } } : {}),
        },
        destination: { server: "https://kubernetes.default.svc", namespace },
        ...(Object.keys(syncPolicy).length > 0 ? { syncPolicy } : {}),
        ...wish.spec,
      },
    });
    return this.existing(name);
  }

  /** An application that something else made, or will make. */
  existing(name: string, namespace = this.up.namespace): AppHandle {
    return new AppHandle(this, name, namespace);
  }

  /** Then: an object is live and passes the check (a function that throws), before the deadline. */
  live(
    kind: string,
    name: string,
    check: (object: KubernetesObject) => unknown = () => {},
    patience: Patience & { namespace?: string } = {},
  ): Promise<KubernetesObject> {
    const namespace = patience.namespace ?? this.namespace;
    return this.until(async () => {
      const object = await this.kube.get(kind, name, namespace === "" ? undefined : namespace);
      if (!object) throw new Error(`there is no ${kind} ${name} in ${namespace}`);
      await check(object);
      return object;
    }, patience);
  }

  /** Then: an object is gone before the deadline. */
  async gone(kind: string, name: string, namespace = this.namespace): Promise<void> {
    await this.until(async () => {
      const object = await this.kube.get(kind, name, namespace === "" ? undefined : namespace);
      if (object) throw new Error(`${kind} ${name} in ${namespace} is still there`);
    });
  }

  until<T>(probe: () => Promise<T> | T, patience: Patience = {}): Promise<T> {
    return eventually(probe, { ...patience, context: patience.context ?? (() => this.describe()) });
  }

  /** For the message of a scenario that fails: what its applications say. */
  async describe(): Promise<string> {
    const apps = (await this.kube.list("Application")) as unknown as readonly Application[];
    return apps
      .filter(({ metadata }) => metadata.name?.startsWith(this.name))
      .map((app) => summaryOf(app))
      .join("\n");
  }
}

/** One application under test. */
export class AppHandle {
  readonly name: string;
  readonly namespace: string;
  readonly #stage: Stage;

  constructor(stage: Stage, name: string, namespace: string) {
    this.#stage = stage;
    this.name = name;
    this.namespace = namespace;
  }

  async get(): Promise<Application> {
    const app = await this.find();
    if (!app) throw new Error(`there is no application ${this.name}`);
    return app;
  }

  async find(): Promise<Application | undefined> {
    return (await this.#stage.kube.get("Application", this.name, this.namespace)) as Application | undefined;
  }

  /** Then: the application passes the check (a function that throws), before the deadline. */
  until(
    check: (app: Application, status: ApplicationStatus) => unknown,
    patience: Patience = {},
  ): Promise<Application> {
    return this.#stage.until(async () => {
      const app = await this.get();
      await check(app, app.status ?? {});
      return app;
    }, patience);
  }

  /** Then: what `status.sync` and `status.health` say; of `revision` where one is given. */
  is(
    wanted: { sync?: string; health?: string; revision?: string; phase?: string },
    patience: Patience = {},
  ): Promise<Application> {
    return this.until((_app, status) => {
      const found: Record<string, unknown> = {
        sync: status.sync?.status,
        health: status.health?.status,
        revision: status.sync?.revision,
        phase: status.operationState?.phase,
      };
      for (const [field, value] of Object.entries(wanted)) {
        if (found[field] !== value) throw new Error(`${this.name}: ${field} is ${String(found[field])}, not ${value}`);
      }
    }, patience);
  }

  synced(patience: Patience = {}): Promise<Application> {
    return this.is({ sync: "Synced", health: "Healthy" }, patience);
  }

  /** When: somebody edits the application. */
  async edit(body: unknown): Promise<void> {
    await this.#stage.kube.edit("Application", { name: this.name, namespace: this.namespace }, body);
  }

  /** When: somebody asks the API for a sync. */
  async sync(request: JsonObject = {}): Promise<void> {
    await this.#stage.up.api.must("POST", `/api/v1/applications/${this.name}/sync`, request);
  }

  /** When: somebody deletes it with kubectl. */
  async remove(): Promise<void> {
    await this.#stage.kube.remove("Application", this.name, this.namespace);
  }

  /** When: somebody sets the refresh annotation. Then: it is removed once it was answered. */
  async refresh(kind: "normal" | "hard" = "normal"): Promise<Application> {
    await this.edit({ metadata: { annotations: { "argocd.argoproj.io/refresh": kind } } });
    return this.until((app) => {
      const annotation = app.metadata.annotations?.["argocd.argoproj.io/refresh"];
      if (annotation !== undefined) throw new Error(`refresh ${annotation} was not answered`);
    });
  }

  /** Then: exactly one condition, of this type, whose message has all these parts. */
  condition(type: string, parts: readonly (string | RegExp)[], patience: Patience = {}): Promise<Application> {
    return this.until((_app, status) => {
      const conditions = status.conditions ?? [];
      const said = JSON.stringify(conditions.map(({ type: kind, message }) => [kind, message]));
      if (conditions.length !== 1 || conditions[0]!.type !== type) throw new Error(`not one ${type}, but ${said}`);
      for (const part of parts) {
        const found =
          typeof part === "string" ? conditions[0]!.message.includes(part) : part.test(conditions[0]!.message);
        if (!found) throw new Error(`${said} does not say ${String(part)}`);
      }
    }, patience);
  }
}

function summaryOf({ metadata, spec, status, operation }: Application): string {
  const operationState = status?.operationState;
  const results = operationState?.syncResult?.resources?.map(
    (result) =>
      `      ${result.syncPhase ?? ""} ${result.kind}/${result.name} ${result.status ?? ""} ${result.hookPhase ?? ""} ${result.message ?? ""}`,
  );
  return [
    `  ${metadata.name}: ${status?.sync?.status} ${status?.health?.status} at ${status?.sync?.revision ?? status?.sync?.revisions?.join()} of ${spec.source?.targetRevision ?? ""}${operation ? " (operation wanted)" : ""}${metadata.deletionTimestamp ? " (deleting)" : ""}`,
    ...(status?.conditions ?? []).map((condition) => `    condition ${condition.type}: ${condition.message}`),
    ...(status?.resources ?? []).map(
      (resource) =>
        `    ${resource.kind}/${resource.name} ${resource.status ?? ""}${resource.requiresPruning ? " prune" : ""}`,
    ),
    ...(operationState
      ? [
          `    operation ${operationState.phase} (retries ${operationState.retryCount ?? 0}): ${operationState.message ?? ""}`,
        ]
      : []),
    ...(results ?? []),
  ].join("\n");
}

/** Several objects as one YAML stream (JSON is YAML). */
export function manifests(...objects: readonly KubernetesObject[]): string {
  return objects.map((object) => `${JSON.stringify(object, undefined, 2)}\n`).join("---\n");
}

/** A ConfigMap, with metadata laid over it. */
export function configMap(
  name: string,
  data: Readonly<Record<string, string>> = { key: "value" },
  metadata: JsonObject = {},
): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

/** A Deployment of one container, with fields laid over its pod template's metadata and over its spec. */
export function deployment(
  name: string,
  wish: { image?: string; replicas?: number; annotations?: Readonly<Record<string, string>>; spec?: JsonObject } = {},
): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas: wish.replicas ?? 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, ...(wish.annotations ? { annotations: wish.annotations } : {}) },
        spec: { containers: [{ name: "main", image: wish.image ?? "registry.example.com/web:1.0" }] },
      },
      ...wish.spec,
    },
  };
}

/** A Job as a hook; `exitCode` other than 0 fails it. */
export function hookJob(
  name: string,
  wish: {
    hook: string;
    deletePolicy?: string;
    wave?: number;
    exitCode?: number;
    runFor?: string;
    generateName?: boolean;
  },
): KubernetesObject {
  const annotations: Record<string, string> = {};
  if (wish.exitCode) annotations["sandbox.driftless.dev/exit-code"] = String(wish.exitCode);
  if (wish.runFor) annotations["sandbox.driftless.dev/run-for"] = wish.runFor;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      ...(wish.generateName ? { generateName: `${name}-` } : { name }),
      annotations: {
        "argocd.argoproj.io/hook": wish.hook,
        ...(wish.deletePolicy ? { "argocd.argoproj.io/hook-delete-policy": wish.deletePolicy } : {}),
        ...(wish.wave ? { "argocd.argoproj.io/sync-wave": String(wish.wave) } : {}),
      },
    },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { annotations },
        spec: { restartPolicy: "Never", containers: [{ name: "main", image: "registry.example.com/task:1.0" }] },
      },
    },
  };
}

/** A field of an object by its path, for checks. */
export function field(object: unknown, ...path: readonly string[]): Json | undefined {
  let at = object as Json | undefined;
  for (const step of path) at = isObject(at) ? at[step] : undefined;
  return at;
}
