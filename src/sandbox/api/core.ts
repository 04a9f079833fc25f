// One cluster's rules around its store, shared by HTTP and in-process callers: what a write needs to know.
import type { Clock } from "#base/ports.ts";
import { rfc3339 } from "#base/ports.ts";
import type { GroupKind, KubernetesObject } from "#model/object.ts";
import type { ObjectReader, ResourceDefinition } from "../contract.ts";
import type { Store } from "../storage/store.ts";
import type { Access } from "./access.ts";
import type { EventShapes } from "./events.ts";
import { inVersionOf, type Kinds, resourceId } from "./kinds.ts";

export interface Core {
  readonly store: Store;
  readonly kinds: Kinds;
  readonly clock: Clock;
  readonly access: Access;
  newUid(): string;
  /** From 0 to 1, for generated names. */
  random(): number;
  readonly eventShapes: EventShapes;
  /** Told of every stored change of a kind, after it: CRDs become kinds here. */
  readonly afterWrite: Map<string, (object: KubernetesObject, removed: boolean) => void>;
}

export interface WriteOptions {
  readonly manager: string;
  readonly dryRun?: boolean;
  readonly subresource?: string;
  /** Collects texts for Warning headers. */
  readonly warn?: (text: string) => void;
}

export function nowText(core: Core): string {
  return rfc3339(core.clock.now());
}

/** An object in the version of `definition`, or undefined. */
export function readObject(
  core: Core,
  definition: ResourceDefinition,
  namespace: string,
  name: string,
): KubernetesObject | undefined {
  const found = core.store.get(resourceId(definition), namespace, name);
  return found === undefined ? undefined : inVersionOf(found, definition);
}

export function readerOf(core: Core): ObjectReader {
  const id = (gk: GroupKind): string | undefined => {
    const definition = core.kinds.stored(gk);
    return definition === undefined ? undefined : resourceId(definition);
  };
  return {
    get(gk, namespace, name) {
      const resource = id(gk);
      return resource === undefined ? undefined : core.store.get(resource, namespace, name);
    },
    list(gk, namespace) {
      const resource = id(gk);
      return resource === undefined ? [] : core.store.list(resource, namespace === "" ? undefined : namespace);
    },
  };
}
