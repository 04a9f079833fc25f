// The one shape of a built-in controller: which kinds it watches, how an event becomes keys, and `reconcile(key)`.
// A controller keeps no copy of the cluster: it reads the present state from the client each time.
import type { Clock, Random } from "#base/ports.ts";
import type { Logger } from "#base/operation.ts";
import type { GroupKind, KubernetesObject } from "#model/object.ts";
import type { LocalClient, LocalEvent } from "../../contract.ts";
import type { EventRecorder } from "./events.ts";
import type { LabelIndex } from "./label-index.ts";

/** How long things take that real machines do. Milliseconds. */
export interface Timings {
  /** From a pod's binding to its first running container. */
  readonly startMs: number;
  /** From a pod's deletion to its end. */
  readonly stopMs: number;
  /** How long the containers of a pod run that is made to complete, and each init container. */
  readonly runMs: number;
  readonly initMs: number;
  /** How long a container runs that is made to crash. */
  readonly crashMs: number;
  /** From ErrImagePull to ImagePullBackOff. */
  readonly pullErrorMs: number;
  /** First wait before a container is restarted or an image pulled again; doubled each time up to `maxBackOffMs`. */
  readonly backOffMs: number;
  readonly maxBackOffMs: number;
  /** How long Kubernetes events are kept. */
  readonly eventTtlMs: number;
}

export interface Context {
  readonly client: LocalClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly events: EventRecorder;
  /** Pods by their labels, as far as watch events have arrived. */
  readonly pods: LabelIndex;
  readonly timings: Timings;
  readonly caCertificate: string;
  /** Takes up a key of another controller, or of one's own, after `delayMs`. */
  enqueue(controller: string, key: string, delayMs?: number): void;
}

export interface Watch {
  readonly kind: GroupKind | "all";
  /** The keys that an event makes dirty. Must be cheap: it runs for every event of the kind. */
  keys(event: LocalEvent): Iterable<string>;
}

export interface Controller {
  readonly name: string;
  readonly watches: readonly Watch[];
  /** Brings one object nearer to its spec. Returns milliseconds after which to look again, if time alone matters. */
  reconcile(key: string): number | undefined;
}

export type ControllerFactory = (context: Context) => Controller;

/** `namespace/name`, with an empty namespace for cluster-scoped objects. */
export function keyFor(object: KubernetesObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;
}

export function splitKey(key: string): readonly [namespace: string, name: string] {
  const slash = key.indexOf("/");
  return [key.slice(0, slash), key.slice(slash + 1)];
}

/** Events of a kind make the object itself dirty. */
export function itself(kind: GroupKind): Watch {
  return { kind, keys: (event) => [keyFor(event.object)] };
}

/** Events of a kind make dirty the object of kind `owner` that controls it, before or after the change. */
export function controlledBy(kind: GroupKind, owner: GroupKind): Watch {
  return {
    kind,
    keys: ({ object, old }) => {
      const keys: string[] = [];
      for (const meta of [object.metadata, old?.metadata]) {
        const ref = meta?.ownerReferences?.find((each) => each.controller === true);
        if (ref === undefined || ref.kind !== owner.kind) continue;
        const key = `${object.metadata.namespace ?? ""}/${ref.name}`;
        if (!keys.includes(key)) keys.push(key);
      }
      return keys;
    },
  };
}
