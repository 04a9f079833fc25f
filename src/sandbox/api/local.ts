// The in-process client of the built-in controllers: the API's rules without HTTP. Changes are told on a later turn,
// in order, never inside the call that made them.
import { isObject } from "#base/json.ts";
import { gvkOf, type GroupKind, type KubernetesObject } from "#model/object.ts";
import { ApiError, type LocalClient, type LocalEvent, type ResourceDefinition } from "../contract.ts";
import { type Core, readerOf, type WriteOptions } from "./core.ts";
import { deleteObject } from "./deletes.ts";
import { resourceId } from "./kinds.ts";
import { patchObject } from "./patches.ts";
import { noSuchResource } from "./status.ts";
import { createObject, isReleased, removeObject, storeChange, updateObject } from "./writes.ts";

/** Makes an in-process client of a cluster that writes as `manager`. */
export function localClient(core: Core, manager: string): LocalClient {
  const reader = readerOf(core);
  const deliveries = new Deliveries();
  const definitionOf = (gk: GroupKind): ResourceDefinition => {
    const found = core.kinds.stored(gk);
    if (found === undefined) throw noSuchResource();
    return found;
  };
  const options = (subresource?: string): WriteOptions => ({
    manager,
    ...(subresource === undefined ? {} : { subresource }),
  });
  return {
    ...reader,
    create(object) {
      const definition = definitionFor(core, object);
      return createObject(core, definition, object.metadata.namespace ?? "", object, options());
    },
    update(object, subresource) {
      const definition = definitionFor(core, object);
      const namespace = object.metadata.namespace ?? "";
      return updateObject(core, definition, namespace, withVersion(core, definition, object), options(subresource));
    },
    patch(gk, namespace, name, patch, subresource) {
      const definition = definitionOf(gk);
      const request = { ...patch, force: true };
      return patchObject(core, definition, { namespace, name }, request, options(subresource)).object;
    },
    delete(key, deleteOptions = {}) {
      try {
        deleteObject(core, definitionOf(key), key, deleteOptions);
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 404) throw error;
      }
    },
    watch(gk, listener) {
      const definition = core.kinds.stored(gk);
      if (definition === undefined) return () => {};
      return deliveries.watch(core, resourceId(definition), listener);
    },
    kinds: () => core.kinds.storedKinds(),
    onKinds: (listener) => core.kinds.onChange(listener),
    dependents: (uid) => core.store.dependents(uid),
    byUid: (uid) => core.store.byUid(uid),
    finalizeNamespace(name) {
      const definition = definitionOf({ group: "", kind: "Namespace" });
      const old = reader.get(definition, "", name);
      if (old !== undefined) finalizeNamespace(core, definition, old, options("finalize"));
    },
  };
}

/** Removes a namespace's finalizer "kubernetes"; with the last one the namespace goes. */
export function finalizeNamespace(
  core: Core,
  definition: ResourceDefinition,
  old: KubernetesObject,
  options: WriteOptions,
): KubernetesObject {
  const spec = isObject(old["spec"]) ? old["spec"] : {};
  const finalizers = Array.isArray(spec["finalizers"])
    ? spec["finalizers"].filter((each) => each !== "kubernetes")
    : [];
  const { finalizers: _, ...rest } = spec;
  const next = { ...old, spec: finalizers.length > 0 ? { ...rest, finalizers } : rest };
  if (isReleased(next)) return removeObject(core, definition, next) ?? next;
  return storeChange(core, definition, { old, next }, options);
}

function definitionFor(core: Core, object: KubernetesObject): ResourceDefinition {
  const gvk = gvkOf(object);
  const stored = core.kinds.stored(gvk);
  if (stored === undefined) throw noSuchResource();
  return stored.version === gvk.version ? stored : (core.kinds.find(gvk.group, gvk.version, stored.plural) ?? stored);
}

/** Some kinds insist on a resourceVersion; controllers that leave it out mean the present one. */
function withVersion(core: Core, definition: ResourceDefinition, object: KubernetesObject): KubernetesObject {
  if (object.metadata.resourceVersion !== undefined) return object;
  const { namespace = "", name = "" } = object.metadata;
  const old = core.store.get(resourceId(definition), namespace, name);
  if (old?.metadata.resourceVersion === undefined) return object;
  return { ...object, metadata: { ...object.metadata, resourceVersion: old.metadata.resourceVersion } };
}

/** Events on their way to listeners: one queue, so that order holds across kinds too. */
class Deliveries {
  private queue: (() => void)[] = [];
  private scheduled = false;

  watch(core: Core, resource: string, listener: (event: LocalEvent) => void): () => void {
    let open = true;
    const deliver = (event: LocalEvent): void => {
      this.add(() => {
        if (open) listener(event);
      });
    };
    for (const object of core.store.list(resource)) deliver({ type: "ADDED", object });
    const unsubscribe = core.store.subscribe(resource, ({ type, object, old }) => {
      deliver({ type, object, ...(old === undefined ? {} : { old }) });
    });
    return () => {
      open = false;
      unsubscribe();
    };
  }

  private add(call: () => void): void {
    this.queue.push(call);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.run());
  }

  private run(): void {
    this.scheduled = false;
    const calls = this.queue;
    this.queue = [];
    let done = 0;
    try {
      for (; done < calls.length; done++) calls[done]?.();
    } finally {
      // A listener that throws must not keep others from hearing.
      const rest = calls.slice(done + 1);
      if (rest.length > 0) {
        this.queue = [...rest, ...this.queue];
        if (!this.scheduled) {
          this.scheduled = true;
          setImmediate(() => this.run());
        }
      }
    }
  }
}
