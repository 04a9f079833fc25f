// Live objects of kinds that the cache keeps as metadata only, read whole for one comparison: what is looked at once is
// no reason to watch a kind from then on.
import { toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { LiveEntry } from "#kube/live.ts";
import { gvkOf, type KubernetesObject } from "#model/object.ts";
import type { DestinationCluster } from "../deps.ts";
import type { DesiredObject } from "../desired/desired.ts";

const readsAtOnce = 8;

/** Entries with their objects, by key text, of those desired objects that are live and not known whole. */
export async function wholeObjects(
  op: Op,
  cluster: DestinationCluster,
  desired: readonly DesiredObject[],
): Promise<ReadonlyMap<string, LiveEntry>> {
  const found = new Map<string, LiveEntry>();
  const wanted = desired.filter(({ key }) => {
    const entry = cluster.cache.get(key);
    return entry !== undefined && entry.object === undefined;
  });
  const readNext = async (): Promise<void> => {
    for (let next = wanted.pop(); next; next = wanted.pop()) {
      const entry = cluster.cache.get(next.key);
      const type = cluster.typeOf(gvkOf(next.object));
      if (!entry || !type) continue;
      const { name, namespace } = next.key;
      try {
        const object = await cluster.client.get(op, type, { name, ...(namespace === "" ? {} : { namespace }) });
        if (object) found.set(next.text, withObject(entry, object));
      } catch (thrown) {
        const error = toError(thrown);
        if (error.code === "CANCELLED") throw error;
        // What cannot be read stays unknown, and the comparison says so.
        op.log.debug("a live object cannot be read for a comparison", { error: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: readsAtOnce }, readNext));
  return found;
}

/** An entry's parts are read by getters: a copy must name them. */
function withObject(entry: LiveEntry, object: KubernetesObject): LiveEntry {
  const { key, version, uid, resourceVersion, owners, tag } = entry;
  return { key, version, uid, resourceVersion, owners, object, ...(tag === undefined ? {} : { tag }) };
}
