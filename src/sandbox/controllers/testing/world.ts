// A test's cluster: memory client, fake clock, all controllers, and short ways to make and look at objects.
import { silentLogger } from "#base/operation.ts";
import type { GroupKind, KubernetesObject } from "#model/object.ts";
import { keyOf } from "#model/object.ts";
import type { LocalDeleteOptions } from "../../contract.ts";
import { ensureNodes, startControllers, type Timings } from "../index.ts";
import { kinds, type Pod } from "../support/objects.ts";
import { FakeClock, seededRandom } from "./fake-clock.ts";
import { MemoryClient } from "./memory-client.ts";

export class World {
  readonly clock = new FakeClock();
  readonly client = new MemoryClient(this.clock);
  readonly #timings: Partial<Timings> | undefined;
  #controllers: { stop(): void };

  constructor(options: { readonly nodes?: number; readonly timings?: Partial<Timings> } = {}) {
    ensureNodes(this.client, options.nodes ?? 2, this.clock);
    this.client.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "demo" } });
    this.#timings = options.timings;
    this.#controllers = this.#start();
    this.settle();
  }

  #start(): { stop(): void } {
    return startControllers(this.client, {
      clock: this.clock,
      random: seededRandom(1),
      log: silentLogger,
      caCertificate: "CA",
      ...(this.#timings === undefined ? {} : { timings: this.#timings }),
    });
  }

  /** Other controllers take over, knowing nothing but what is in the cluster. */
  restart(): void {
    this.#controllers.stop();
    this.#controllers = this.#start();
  }

  addNodes(count: number): void {
    ensureNodes(this.client, count, this.clock);
  }

  stop(): void {
    this.#controllers.stop();
  }

  /** Runs for a while; long enough by default for pods to start or stop and rollouts to end. */
  settle(ms = 5000): void {
    this.clock.advance(ms);
  }

  create(object: KubernetesObject): KubernetesObject {
    const metadata = { namespace: "demo", ...object.metadata };
    return this.client.create({ ...object, metadata });
  }

  get(kind: GroupKind, name: string, namespace = "demo"): Loose {
    const found = this.client.get(kind, namespace, name);
    if (found === undefined) throw new Error(`no ${kind.kind} ${namespace}/${name}`);
    return found;
  }

  has(kind: GroupKind, name: string, namespace = "demo"): boolean {
    return this.client.get(kind, namespace, name) !== undefined;
  }

  /** Changes an object by a merge patch. */
  change(kind: GroupKind, name: string, patch: object): void {
    this.client.patch(kind, "demo", name, { type: "merge", body: patch });
  }

  delete(
    kind: GroupKind,
    name: string,
    propagationPolicy: LocalDeleteOptions["propagationPolicy"] = "Background",
  ): void {
    const namespace = kind.kind === "Namespace" ? "" : "demo";
    this.client.delete(keyOf(this.get(kind, name, namespace)), { propagationPolicy });
  }

  pods(): Pod[] {
    return [...this.client.list(kinds.pod, "demo")].sort((a, b) =>
      (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1,
    ) as Pod[];
  }

  /** Pods as `name phase reason`, sorted; the reason is that of the first container that waits or ended. */
  podLines(): string[] {
    return this.pods().map((pod) => {
      const state = pod.status?.containerStatuses?.[0]?.state;
      const reason = state?.waiting?.reason ?? state?.terminated?.reason ?? (state?.running ? "Running" : "");
      return `${pod.metadata.name} ${pod.status?.phase} ${reason}`;
    });
  }

  /** Events as `reason message`, in the order of their first appearance, with their counts when above one. */
  events(about: string): string[] {
    return this.client
      .list({ group: "", kind: "Event" }, "demo")
      .map((event) => event as Loose)
      .filter((event) => event.involvedObject.name === about)
      .map((event) => `${event.reason}: ${event.message}${event.count > 1 ? ` (x${event.count})` : ""}`);
  }
}

/** An object read by a test, whatever its shape. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests look at fields of many kinds
export type Loose = any;

export function deployment(name: string, spec: object = {}, template: object = {}): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      ...spec,
      template: podTemplate(name, template),
    },
  };
}

export function podTemplate(app: string, more: { image?: string; annotations?: object; spec?: object } = {}): object {
  return {
    metadata: { labels: { app }, ...(more.annotations === undefined ? {} : { annotations: more.annotations }) },
    spec: { containers: [{ name: "main", image: more.image ?? "nginx:1" }], restartPolicy: "Always", ...more.spec },
  };
}

export function conditionsOf(object: Loose): Record<string, string> {
  const entries = (object.status?.conditions ?? []).map((each: Loose) => [
    each.type,
    `${each.status} ${each.reason ?? ""}`.trim(),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
