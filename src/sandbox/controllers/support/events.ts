// Kubernetes Events: recorded by controllers, repeated ones counted up instead of written again.
import { rfc3339, type Clock } from "#base/ports.ts";
import type { GroupKind, KubernetesObject } from "#model/object.ts";
import { ApiError, type LocalClient } from "../../contract.ts";

export const eventKind: GroupKind = { group: "", kind: "Event" };

/** How many events are remembered for counting. */
const remembered = 4096;

export type EventType = "Normal" | "Warning";

export interface EventRecorder {
  normal(about: KubernetesObject, source: string, reason: string, message: string): void;
  warning(about: KubernetesObject, source: string, reason: string, message: string): void;
}

interface Written {
  readonly namespace: string;
  readonly name: string;
  count: number;
}

export class ApiEventRecorder implements EventRecorder {
  readonly #client: LocalClient;
  readonly #clock: Clock;
  readonly #written = new Map<string, Written>();
  #sequence = 0;

  constructor(client: LocalClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  normal(about: KubernetesObject, source: string, reason: string, message: string): void {
    this.#record(about, { type: "Normal", source, reason, message });
  }

  warning(about: KubernetesObject, source: string, reason: string, message: string): void {
    this.#record(about, { type: "Warning", source, reason, message });
  }

  #record(about: KubernetesObject, event: { type: EventType; source: string; reason: string; message: string }): void {
    const key = `${about.metadata.uid}|${event.type}|${event.source}|${event.reason}|${event.message}`;
    const now = rfc3339(this.#clock.now());
    const before = this.#written.get(key);
    try {
      if (before !== undefined && this.#countUp(before, now)) return;
      const namespace = about.metadata.namespace ?? "default";
      const name = `${about.metadata.name}.${this.#stamp()}`;
      this.#client.create(eventObject(about, event, { namespace, name, now }));
      this.#remember(key, { namespace, name, count: 1 });
    } catch (error) {
      // An event that cannot be written (a namespace on its way out) is not worth failing for.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  #countUp(written: Written, now: string): boolean {
    const { namespace, name } = written;
    if (this.#client.get(eventKind, namespace, name) === undefined) return false;
    written.count++;
    const body = { count: written.count, lastTimestamp: now };
    this.#client.patch(eventKind, namespace, name, { type: "merge", body });
    return true;
  }

  #remember(key: string, written: Written): void {
    this.#written.delete(key);
    this.#written.set(key, written);
    if (this.#written.size <= remembered) return;
    for (const oldest of this.#written.keys()) {
      this.#written.delete(oldest);
      break;
    }
  }

  /** Unique in this process and growing with time, in hex like Kubernetes' own. */
  #stamp(): string {
    return (BigInt(this.#clock.now()) * 1_000_000n + BigInt(this.#sequence++ % 1_000_000)).toString(16);
  }
}

function eventObject(
  about: KubernetesObject,
  event: { type: EventType; source: string; reason: string; message: string },
  at: { namespace: string; name: string; now: string },
): KubernetesObject {
  const { metadata } = about;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: at.name, namespace: at.namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    },
    type: event.type,
    reason: event.reason,
    message: event.message,
    source: event.source === "kubelet" ? { component: "kubelet", ...nodeOf(about) } : { component: event.source },
    reportingComponent: event.source,
    reportingInstance: "",
    firstTimestamp: at.now,
    lastTimestamp: at.now,
    eventTime: null,
    count: 1,
  };
}

function nodeOf(about: KubernetesObject): { host?: string } {
  const host = (about as { spec?: { nodeName?: string } }).spec?.nodeName;
  return host === undefined ? {} : { host };
}
