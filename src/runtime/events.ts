// Kubernetes Events of ours, written behind the work: a bounded queue, few at a time, equal ones counted up. An event
// that cannot be written is logged and forgotten; nothing waits for one. Generic: it names no kind.
import { toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { rfc3339, type Clock } from "#base/ports.ts";
import { redactUrls } from "#base/redact.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";

export interface EventText {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const eventPath: ResourcePath = { group: "", version: "v1", plural: "events", namespaced: true };
const longestMessage = 1024;
const lookAgainMs = 500;
const longestWaitMs = 60_000;

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly component: string;
  readonly op: Operation;
  /** Whether events with this reason are written; all are unless told. */
  enabled?(reason: string): boolean;
  /** Labels of the events about an object. */
  labels?(about: KubernetesObject): Readonly<Record<string, string>>;
  /** Whether there is work that events should not compete with; they wait then, but no longer than a minute. */
  busy?(): boolean;
  /** Events waiting beyond this many are dropped, oldest first. */
  readonly limit?: number;
  readonly concurrency?: number;
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #waiting: { readonly event: KubernetesObject; readonly sinceMs: number }[] = [];
  #looksAgain = false;
  #writing = 0;
  #serial = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Notes that something happened to an object. Returns at once. */
  record(about: KubernetesObject, event: EventText): void {
    const { clock, component, limit = 5000 } = this.#options;
    if (this.#options.enabled?.(event.reason) === false) return;
    const nowMs = clock.now();
    const namespace = about.metadata.namespace ?? "default";
    const text = redactUrls(event.message);
    const message = text.length > longestMessage ? `${text.slice(0, longestMessage - 1)}…` : text;
    const labels = this.#options.labels?.(about) ?? {};
    const last = this.#waiting.at(-1)?.event;
    if (last && last["reason"] === event.reason && last["message"] === message && sameSubject(last, about)) return;
    const written: KubernetesObject = {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: `${about.metadata.name}.${nowMs.toString(16)}${(this.#serial++ % 0xffff).toString(16).padStart(4, "0")}`,
        namespace,
        ...(Object.keys(labels).length > 0 ? { labels } : {}),
        ...(event.annotations ? { annotations: event.annotations } : {}),
      },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        namespace,
        name: about.metadata.name,
        uid: about.metadata.uid,
        resourceVersion: about.metadata.resourceVersion,
      },
      type: event.type,
      reason: event.reason,
      message,
      source: { component },
      firstTimestamp: rfc3339(nowMs),
      lastTimestamp: rfc3339(nowMs),
      count: 1,
    };
    this.#waiting.push({ event: written, sinceMs: clock.monotonic() });
    if (this.#waiting.length > limit) this.#waiting.shift();
    this.#pump();
  }

  #pump(): void {
    const { client, clock, op, concurrency = 2 } = this.#options;
    while (this.#writing < concurrency && this.#waiting.length > 0) {
      const waitedMs = clock.monotonic() - this.#waiting[0]!.sinceMs;
      if (this.#options.busy?.() && waitedMs < longestWaitMs) {
        if (this.#looksAgain) return;
        this.#looksAgain = true;
        clock.after(lookAgainMs, () => {
          this.#looksAgain = false;
          this.#pump();
        });
        return;
      }
      const { event } = this.#waiting.shift()!;
      this.#writing++;
      client
        .create(op, eventPath, event)
        .catch((thrown: unknown) => op.log.debug("event not written", { error: toError(thrown).message }))
        .finally(() => {
          this.#writing--;
          this.#pump();
        });
    }
  }
}

function sameSubject(event: KubernetesObject, about: KubernetesObject): boolean {
  return (event["involvedObject"] as { uid?: string }).uid === about.metadata.uid;
}
