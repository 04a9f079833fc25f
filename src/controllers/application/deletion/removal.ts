// Takes objects away from a cluster: only the very object that was decided on, and only while tracking still gives it to
// the application. Used by prunes and by the deletion of applications.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { finalizer } from "#model/names.ts";
import { displayKey, type KubernetesObject, type ObjectKey, type ObjectMeta } from "#model/object.ts";
import type { LiveCache } from "#kube/live.ts";
import type { DeleteOptions, ObjectClient, ResourceType } from "#kube/types.ts";

export interface RemovalContext {
  readonly client: ObjectClient;
  readonly cache: LiveCache;
  /** Whether tracking gives an object to the application. */
  owns(meta: ObjectMeta, key: ObjectKey): boolean;
}

interface Target {
  readonly type: ResourceType;
  readonly key: ObjectKey;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

const maxTries = 8;

/**
 * Deletes an object; "gone" where it (or that incarnation of it) is not there, "another's" where it belongs to somebody
 * else by now. The version that was looked at is a precondition: a change in between is looked at first.
 */
export async function removeOwned(
  op: Op,
  context: RemovalContext,
  target: Target,
  options: Pick<DeleteOptions, "propagationPolicy" | "dryRun">,
): Promise<"deleted" | "gone" | "another's"> {
  const { client } = context;
  const { type, key, uid } = target;
  const ref = refOf(key);
  let { resourceVersion } = target;
  for (let tries = 1; ; tries++) {
    try {
      await client.delete(op, type, ref, {
        ...options,
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      });
      return "deleted";
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code !== "CONFLICT") throw error;
      const now = await client.get(op, type, ref);
      if (now === undefined || now.metadata.uid !== uid) return "gone";
      if (!context.owns(now.metadata, key)) return "another's";
      // Asked for already, only the watch has not told yet: once is enough.
      if (now.metadata.deletionTimestamp !== undefined) return "deleted";
      if (tries >= maxTries) throw changing(key, error);
      resourceVersion = now.metadata.resourceVersion;
    }
  }
}

/** Takes our finalizer from a hook's object; one that is gone is no error. */
export async function releaseHook(
  op: Op,
  { client, cache }: Pick<RemovalContext, "client" | "cache">,
  what: { readonly type: ResourceType; readonly key: ObjectKey; readonly object: KubernetesObject },
): Promise<void> {
  const { uid, finalizers = [] } = what.object.metadata;
  if (!finalizers.includes(finalizer.hook)) return;
  const left = finalizers.filter((name) => name !== finalizer.hook);
  try {
    const body = { metadata: { uid, finalizers: left } };
    cache.observe(await client.patch(op, what.type, refOf(what.key), { type: "merge", body }));
  } catch (thrown) {
    const { code } = toError(thrown);
    if (code !== "NOT_FOUND" && code !== "CONFLICT") throw thrown;
  }
}

export function refOf(key: ObjectKey): { namespace?: string; name: string } {
  return key.namespace === "" ? { name: key.name } : { namespace: key.namespace, name: key.name };
}

function changing(key: ObjectKey, cause: DriftlessError): DriftlessError {
  return new DriftlessError("CONFLICT", `${displayKey(key)} changes faster than it can be deleted: ${cause.message}`, {
    details: cause.details,
    cause,
  });
}
