// The built-in controllers of one sandbox cluster: what makes it look alive. They see the cluster only through its
// LocalClient, do nothing while nothing changes, and are deterministic given clock and random.
import type { GroupKind } from "#model/object.ts";
import { ApiError, type ControllerOptions, type LocalClient, type LocalEvent } from "../contract.ts";
import type { Context, Controller, Timings } from "./support/controller.ts";
import { ApiEventRecorder, eventKind } from "./support/events.ts";
import { LabelIndex } from "./support/label-index.ts";
import { kinds } from "./support/objects.ts";
import { WorkQueue } from "./support/queue.ts";
import { controllers } from "./registry.ts";

export { ensureNodes } from "./nodes.ts";
export type { Timings } from "./support/controller.ts";

const defaultTimings: Timings = {
  startMs: 30,
  stopMs: 20,
  runMs: 300,
  initMs: 20,
  crashMs: 100,
  pullErrorMs: 300,
  backOffMs: 10_000,
  maxBackOffMs: 300_000,
  eventTtlMs: 3_600_000,
};

export interface StartOptions extends ControllerOptions {
  /** How long pods take to start, stop and so on; what is left out keeps its default. */
  readonly timings?: Partial<Timings>;
}

/** Starts all controllers of `registry.ts` on one cluster; `stop` ends them and their timers at once. */
export function startControllers(client: LocalClient, options: StartOptions): { stop(): void } {
  return new Controllers(client, options);
}

class Controllers {
  readonly #client: LocalClient;
  readonly #controllers = new Map<string, Controller>();
  readonly #queue: WorkQueue;
  readonly #watches = new Map<string, () => void>();
  readonly #stopKinds: () => void;
  readonly #pods = new LabelIndex();

  constructor(client: LocalClient, options: StartOptions) {
    this.#client = client;
    const { clock, random, log, caCertificate } = options;
    this.#queue = new WorkQueue({
      clock,
      work: (text) => {
        const bar = text.indexOf("|");
        return this.#controllers.get(text.slice(0, bar))?.reconcile(text.slice(bar + 1));
      },
      failed: (text, error, failures) => {
        const expected = error instanceof ApiError && (error.reason === "Conflict" || error.reason === "AlreadyExists");
        const gone = error instanceof ApiError && isTerminating(error);
        if (!expected && !gone && failures <= 3) {
          log.warn("sandbox controller failed", { key: text, error: error instanceof Error ? error.message : error });
        }
        return !gone;
      },
    });
    const context: Context = {
      client,
      clock,
      random,
      log,
      events: new ApiEventRecorder(client, clock),
      pods: this.#pods,
      timings: { ...defaultTimings, ...options.timings },
      caCertificate,
      enqueue: (controller, key, delayMs = 0) => this.#queue.addAfter(`${controller}|${key}`, delayMs),
    };
    for (const make of controllers) {
      const controller = make(context);
      this.#controllers.set(controller.name, controller);
    }
    this.#watchKinds();
    this.#stopKinds = client.onKinds(() => this.#watchKinds());
  }

  stop(): void {
    this.#stopKinds();
    for (const end of this.#watches.values()) end();
    this.#watches.clear();
    this.#queue.stop();
  }

  /** One watch for each kind, whoever wants it; kinds that came are watched from now on, those that went no more. */
  #watchKinds(): void {
    const known = new Set<string>();
    for (const definition of this.#client.kinds()) {
      const kind: GroupKind = { group: definition.group, kind: definition.kind };
      const text = `${kind.group}/${kind.kind}`;
      known.add(text);
      if (!this.#watches.has(text)) this.#watches.set(text, this.#watch(kind));
    }
    for (const [text, end] of this.#watches) {
      if (known.has(text)) continue;
      end();
      this.#watches.delete(text);
    }
  }

  #watch(kind: GroupKind): () => void {
    const isEvent = kind.kind === eventKind.kind && (kind.group === "" || kind.group === "events.k8s.io");
    const isPod = kind.kind === kinds.pod.kind && kind.group === kinds.pod.group;
    const interested: { prefix: string; keys: (event: LocalEvent) => Iterable<string> }[] = [];
    for (const { name, watches } of this.#controllers.values()) {
      for (const watch of watches) {
        const wanted =
          watch.kind === "all" ? !isEvent : watch.kind.kind === kind.kind && watch.kind.group === kind.group;
        if (wanted) interested.push({ prefix: `${name}|`, keys: (event) => watch.keys(event) });
      }
    }
    if (interested.length === 0) return () => {};
    return this.#client.watch(kind, (event) => {
      if (isPod) this.#index(event);
      for (const { prefix, keys } of interested) for (const key of keys(event)) this.#queue.add(prefix + key);
    });
  }

  #index({ type, object, old }: LocalEvent): void {
    if (type === "DELETED") this.#pods.put(undefined, object);
    else this.#pods.put(object, old);
  }
}

/** Creating in a namespace that is being deleted: there is nothing more to do there. */
function isTerminating(error: ApiError): boolean {
  return error.status.details?.causes?.some((cause) => cause.reason === "NamespaceTerminating") === true;
}
