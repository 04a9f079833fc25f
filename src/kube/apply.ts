// Makes one object on a cluster be as desired: client-side apply as kubectl does it, server-side apply, replace, and
// delete-and-create where forced. Returns what happened in kubectl's words, as sync results show it.
// Conflicts and passing failures are tried again here; what the transport repeats by itself is not.
// Sources: Kubernetes "Declarative Management of Kubernetes Objects Using Configuration Files", "Server-Side Apply".
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject, stableStringify, type Json, type JsonObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import { threeWayMergePatch } from "#core/merge/merge-patch.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { threeWayStrategicPatch } from "#core/merge/strategic-create.ts";
import { annotation } from "#model/names.ts";
import { gvkOf, type KubernetesObject } from "#model/object.ts";
import { migratedManagers } from "./field-migration.ts";
import { lacksEmpty } from "./left-empty.ts";
import type { DeleteOptions, ObjectClient, ResourceType, WriteOptions } from "./types.ts";

export interface ApplyOptions {
  readonly clock: Clock;
  /** For the jitter of pauses before another try; half the step without it. */
  readonly random?: Random;
  readonly fieldManager: string;
  /** The object as it is; null: there is none (one POST then); absent: it is fetched where it is needed. */
  readonly live?: KubernetesObject | null;
  /** `apply` unless told: three-way with the last-applied annotation. */
  readonly method?: "apply" | "server-side" | "replace";
  /** Server-side: take fields from other managers. True unless told, as Argo CD does. */
  readonly forceConflicts?: boolean;
  /**
   * Server-side: fields that were applied client-side before (by these managers, or by whoever wrote the last-applied
   * annotation) become ours first, so that those that are no longer desired go.
   */
  readonly migrateFrom?: readonly string[];
  /** With `migrateFrom`: also where the object has no last-applied annotation. */
  readonly migrateAlways?: boolean;
  /**
   * Delete and create where the object cannot be changed into what is desired (immutable fields). Never done to
   * Namespaces and CustomResourceDefinitions, with which everything in them would go.
   */
  readonly force?: boolean;
  /** With `force`: how the old object's dependents go. */
  readonly propagationPolicy?: DeleteOptions["propagationPolicy"];
  /** "client": nothing is sent; "server": the server checks and answers, but keeps nothing. */
  readonly dryRun?: "client" | "server";
  /** Unknown and duplicate fields are refused. True unless told. */
  readonly validate?: boolean;
  /** The kind's merge schema; asked from the client where absent. */
  readonly schema?: TypeSchema | undefined;
}

export type ApplyOutcome = "created" | "configured" | "unchanged" | "serverside-applied" | "replaced";

export interface ApplyResult {
  readonly outcome: ApplyOutcome;
  /** Whether the object differs from the one before. */
  readonly changed: boolean;
  /** As kubectl prints it: `deployment.apps/web configured`. */
  readonly message: string;
  /** As the server answered it: for LiveCache.observe, unless it was a dry run. */
  readonly object: KubernetesObject | undefined;
}

const maxTries = 5;
const firstPauseMs = 100;
const deletionPollMs = 100;
const longestDeletionMs = 60_000;

/** Takes the kind and the desired object (with its namespace). Errors as the API server gave them. */
export async function applyObject(
  op: Operation,
  client: ObjectClient,
  desired: { readonly type: ResourceType; readonly object: KubernetesObject },
  options: ApplyOptions,
): Promise<ApplyResult> {
  const work = new Apply(op, client, desired, options);
  const { name, generateName } = desired.object.metadata;
  try {
    if (!name && generateName) return await work.create(desired.object);
    if (options.method === "server-side") return await work.serverSide();
    if (options.method === "replace") return await work.replace();
    return await work.clientSide();
  } catch (thrown) {
    throw withAdvice(toError(thrown));
  }
}

/** `deployment.apps/web`, `service/web`: an object as kubectl names it. */
export function kubectlName(object: KubernetesObject): string {
  const { group, kind } = gvkOf(object);
  const { name, generateName } = object.metadata;
  return `${kind.toLowerCase()}${group === "" ? "" : `.${group}`}/${name ?? generateName ?? ""}`;
}

/** The desired object with kubectl's last-applied annotation, which holds it without that annotation. */
export function withLastApplied(object: KubernetesObject): KubernetesObject {
  const { [annotation.lastApplied]: _old, ...annotations } = object.metadata.annotations ?? {};
  const bare = { ...object, metadata: { ...object.metadata, annotations } };
  const text = `${goJson(bare)}\n`;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [annotation.lastApplied]: text } },
  };
}

/** Byte for byte as kubectl writes it (keys sorted, HTML escaped), so that switching from it changes no annotation. */
function goJson(value: unknown): string {
  return stableStringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

class Apply {
  readonly #op: Operation;
  readonly #client: ObjectClient;
  readonly #type: ResourceType;
  readonly #object: KubernetesObject;
  readonly #options: ApplyOptions;
  readonly #write: WriteOptions;

  constructor(
    op: Operation,
    client: ObjectClient,
    desired: { readonly type: ResourceType; readonly object: KubernetesObject },
    options: ApplyOptions,
  ) {
    this.#op = op;
    this.#client = client;
    this.#type = desired.type;
    this.#object = desired.object;
    this.#options = options;
    this.#write = {
      fieldManager: options.fieldManager,
      fieldValidation: options.validate === false ? "Ignore" : "Strict",
      ...(options.dryRun === "server" ? { dryRun: true } : {}),
    };
  }

  async create(object: KubernetesObject): Promise<ApplyResult> {
    if (this.#options.dryRun === "client") return this.#result("created", undefined);
    return this.#result("created", await this.#client.create(this.#op, this.#type, object, this.#write));
  }

  async clientSide(): Promise<ApplyResult> {
    const modified = withLastApplied(this.#object);
    let live = this.#options.live;
    for (let tries = 1; ; tries++) {
      if (live === undefined) live = (await this.#fetch()) ?? null;
      try {
        if (live === null) return await this.create(modified);
        return await this.#patch(modified, live);
      } catch (thrown) {
        const error = toError(thrown);
        if (tries < maxTries && mayPass(error, live === null)) {
          live = undefined;
          await this.#pause(tries);
        } else if (live !== null && live !== undefined && this.#mayRecreate(error))
          return this.#recreate(modified, live);
        else throw thrown;
      }
    }
  }

  async serverSide(): Promise<ApplyResult> {
    const { dryRun, live, forceConflicts } = this.#options;
    if (dryRun === "client") return this.#result("serverside-applied", undefined);
    for (let tries = 1; ; tries++) {
      try {
        await this.#migrate();
        const send = (): Promise<KubernetesObject> =>
          this.#client.patch(
            this.#op,
            this.#type,
            this.#ref(),
            { type: "apply", body: this.#object },
            { ...this.#write, force: forceConflicts !== false },
          );
        const object = await send();
        const same = live != null && live.metadata.resourceVersion === object.metadata.resourceVersion;
        const again = live !== null && !same && dryRun === undefined && lacksEmpty(this.#object, object);
        return this.#result("serverside-applied", again ? await send() : object, !same);
      } catch (thrown) {
        const error = toError(thrown);
        if (tries < maxTries && (isBroken(error) || (isStale(error) && !isFieldConflict(error)))) {
          await this.#pause(tries);
          continue;
        }
        const there = this.#mayRecreate(error) ? (live ?? (await this.#fetch())) : undefined;
        if (there === undefined) throw thrown;
        return this.#recreate(this.#object, there);
      }
    }
  }

  /** Makes the fields of client-side managers ours, in one write that changes nothing else. */
  async #migrate(): Promise<void> {
    const { migrateFrom, migrateAlways, live, dryRun, fieldManager } = this.#options;
    if (migrateFrom === undefined || live === null || dryRun !== undefined) return;
    const told = live?.metadata.annotations?.[annotation.lastApplied] !== undefined;
    if (live !== undefined && !told && migrateAlways !== true) return;
    const whole = await this.#fetch();
    const managedFields = whole && migratedManagers(whole, { from: migrateFrom, to: fieldManager });
    if (managedFields === undefined) return;
    const body = [
      { op: "replace", path: "/metadata/managedFields", value: managedFields },
      { op: "replace", path: "/metadata/resourceVersion", value: whole?.metadata.resourceVersion },
    ];
    await this.#client.patch(this.#op, this.#type, this.#ref(), { type: "json", body }, this.#write);
  }

  async replace(): Promise<ApplyResult> {
    let live = this.#options.live;
    for (let tries = 1; ; tries++) {
      if (live === undefined) live = (await this.#fetch()) ?? null;
      if (this.#options.dryRun === "client") return this.#result(live === null ? "created" : "replaced", undefined);
      try {
        if (live === null) return await this.create(this.#object);
        // Argo CD's Force=true with Replace=true is kubectl's `replace --force`: always delete and create.
        if (this.#options.force === true && !this.#holdsOthers())
          return await this.#recreate(this.#object, live, "replaced");
        return this.#result("replaced", await this.#put(live));
      } catch (thrown) {
        if (tries >= maxTries || !mayPass(toError(thrown), live === null)) throw thrown;
        live = undefined;
        await this.#pause(tries);
      }
    }
  }

  #put(live: KubernetesObject): Promise<KubernetesObject> {
    const { resourceVersion } = live.metadata;
    const metadata = { ...this.#object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    return this.#client.replace(this.#op, this.#type, { ...this.#object, metadata }, this.#write);
  }

  async #patch(modified: KubernetesObject, live: KubernetesObject): Promise<ApplyResult> {
    const original = lastApplied(live);
    const strategic = builtinGroups.has(this.#type.group);
    const schema = strategic ? await this.#schema() : undefined;
    const body =
      schema === undefined
        ? threeWayMergePatch(original, asJson(modified), asJson(live))
        : threeWayStrategicPatch(original, asJson(modified), asJson(live), schema);
    if (body === undefined || Object.keys(body).length === 0) return this.#result("unchanged", live, false);
    if (this.#options.dryRun === "client") return this.#result("configured", undefined);
    const patch = { type: schema === undefined ? ("merge" as const) : ("strategic" as const), body };
    const object = await this.#client.patch(this.#op, this.#type, this.#ref(), patch, this.#write);
    const same = object.metadata.resourceVersion === live.metadata.resourceVersion;
    return this.#result("configured", object, !same);
  }

  async #schema(): Promise<TypeSchema | undefined> {
    return this.#options.schema ?? this.#client.schemas.typeOf(this.#op, gvkOf(this.#object));
  }

  #mayRecreate(error: DriftlessError): boolean {
    if (this.#options.force !== true || this.#options.dryRun !== undefined || this.#holdsOthers()) return false;
    return error.details.reason === "Invalid" || error.code === "CONFLICT";
  }

  /** Whether deleting the object would delete objects that are not part of it. */
  #holdsOthers(): boolean {
    const { group, kind } = this.#type;
    return (group === "" && kind === "Namespace") || kind === "CustomResourceDefinition";
  }

  /** Before another try: longer each time, between half and the whole of the step. */
  #pause(tries: number): Promise<void> {
    const { clock, random } = this.#options;
    return pause(this.#op, clock, firstPauseMs * 3 ** (tries - 1) * (0.5 + (random?.next() ?? 0) / 2));
  }

  async #recreate(
    object: KubernetesObject,
    live: KubernetesObject,
    outcome: ApplyOutcome = "configured",
  ): Promise<ApplyResult> {
    if (this.#options.dryRun !== undefined) return this.#result(outcome, undefined);
    const { uid } = live.metadata;
    await this.#client.delete(this.#op, this.#type, this.#ref(), {
      propagationPolicy: this.#options.propagationPolicy ?? "Background",
      ...(uid === undefined ? {} : { uid }),
    });
    await this.#waitUntilGone(uid);
    return this.#result(outcome, await this.#client.create(this.#op, this.#type, object, this.#write));
  }

  async #waitUntilGone(uid: string | undefined): Promise<void> {
    const { clock } = this.#options;
    const endsAtMs = clock.monotonic() + longestDeletionMs;
    for (;;) {
      const there = await this.#fetch();
      if (there === undefined || there.metadata.uid !== uid) return;
      if (clock.monotonic() > endsAtMs) {
        const message = `${kubectlName(this.#object)} was deleted to be created anew, but its finalizers are not done`;
        throw new DriftlessError("DEADLINE_EXCEEDED", message);
      }
      await pause(this.#op, clock, deletionPollMs);
    }
  }

  #fetch(): Promise<KubernetesObject | undefined> {
    return this.#client.get(this.#op, this.#type, this.#ref());
  }

  #ref(): { namespace?: string; name: string } {
    const { namespace, name = "" } = this.#object.metadata;
    return namespace === undefined ? { name } : { namespace, name };
  }

  #result(outcome: ApplyOutcome, object: KubernetesObject | undefined, changed = true): ApplyResult {
    const { dryRun } = this.#options;
    const suffix = dryRun === "client" ? " (dry run)" : dryRun === "server" ? " (server dry run)" : "";
    const named = object ?? this.#object;
    const message = `${kubectlName({ ...named, apiVersion: this.#object.apiVersion, kind: this.#object.kind })} ${outcome}${suffix}`;
    return { outcome, changed, message, object };
  }
}

/** The object that was given to a patch is not the one on the server any more, or is gone. */
function isStale(error: DriftlessError): boolean {
  return error.code === "CONFLICT" || error.code === "NOT_FOUND";
}

/** Whether the same may succeed in a moment: with a newer state of the object, or once the server is itself again. */
function mayPass(error: DriftlessError, creating: boolean): boolean {
  if (isBroken(error)) return true;
  // A lost answer to a create: whether it was done is looked up before the next try.
  if (creating) return error.code === "ALREADY_EXISTS" || error.code === "CLUSTER_UNREACHABLE";
  return isStale(error);
}

/** The server failed at its own work; the transport repeats only what it may repeat blindly. */
function isBroken(error: DriftlessError): boolean {
  return error.details.status === 500 && !/too large/.test(error.message);
}

/** Server-side apply without force: a field of another manager. */
function isFieldConflict(error: DriftlessError): boolean {
  return error.message.startsWith("Apply failed with");
}

async function pause(op: Operation, clock: Clock, delayMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    clock.after(delayMs, resolve);
  });
  op.signal.throwIfAborted();
}

/** Adds what a person can do where the API server's words do not say it. */
function withAdvice(error: DriftlessError): DriftlessError {
  const advice = /metadata\.annotations: Too long/.test(error.message)
    ? "the object is too large for kubectl's last-applied annotation: set the sync option ServerSideApply=true (or Replace=true) on it"
    : error.code === "TOO_LARGE" || /etcdserver: request is too large|is too large: limit is/.test(error.message)
      ? "the object is larger than the cluster stores (about 1.5 MB): split it"
      : undefined;
  if (advice === undefined) return error;
  return new DriftlessError(error.code, `${error.message}; ${advice}`, { details: error.details, cause: error });
}

function lastApplied(live: KubernetesObject): JsonObject | undefined {
  const text = live.metadata.annotations?.[annotation.lastApplied];
  if (text === undefined) return undefined;
  try {
    const parsed = JSON.parse(text) as Json;
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined; // written by hand; as if it had never been applied
  }
}

function asJson(object: KubernetesObject): JsonObject {
  return object as unknown as JsonObject;
}

/** Groups whose kinds take strategic merge patches: those compiled into the API server. CRDs take merge patches only. */
const builtinGroups: ReadonlySet<string> = new Set([
  "",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
  "apps",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "extensions",
  "flowcontrol.apiserver.k8s.io",
  "internal.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
  "storagemigration.k8s.io",
]);
