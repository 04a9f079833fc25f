// The finalizer `resources-finalizer.argocd.argoproj.io`: deletes what tracking says is the application's, highest sync
// wave first, and lets the application go when nothing is left. Decides on live state alone; deletes nothing on doubt.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Application } from "#model/application.ts";
import { annotation, finalizer } from "#model/names.ts";
import { displayKey } from "#model/object.ts";
import type { LiveEntry } from "#kube/live.ts";
import type { DestinationCluster } from "./deps.ts";

export type DeletionProgress =
  | { readonly done: true }
  | { readonly done: false; readonly waiting: readonly LiveEntry[]; readonly error?: DriftlessError };

/** The cascade that the application's finalizers ask for; undefined: its resources stay. */
export function cascadeOf(app: Application): "Foreground" | "Background" | undefined {
  const finalizers = app.metadata.finalizers ?? [];
  if (finalizers.includes(finalizer.resourcesBackground)) return "Background";
  return finalizers.includes(finalizer.resources) || finalizers.includes(finalizer.resourcesForeground)
    ? "Foreground"
    : undefined;
}

/** Finalizers of ours that an application carries. */
export function ownFinalizers(app: Application): readonly string[] {
  const ours: readonly string[] = [finalizer.resources, finalizer.resourcesForeground, finalizer.resourcesBackground];
  return (app.metadata.finalizers ?? []).filter((name) => ours.includes(name));
}

/** What of an application's live objects is to be deleted: not what says Delete=false or that Helm keeps. */
export function deletable(entries: Iterable<LiveEntry>): readonly LiveEntry[] {
  return [...entries].filter((entry) => {
    const annotations = entry.object?.metadata.annotations;
    const options = (annotations?.[annotation.syncOptions] ?? "").split(",").map((option) => option.trim());
    return !options.includes("Delete=false") && annotations?.[annotation.helmResourcePolicy] !== "keep";
  });
}

/** Takes live entries; returns those of the highest sync wave: they go first, and the next wave when they are gone. */
export function nextToDelete(entries: readonly LiveEntry[]): readonly LiveEntry[] {
  let highest = -Infinity;
  for (const entry of entries) highest = Math.max(highest, waveOf(entry));
  return entries.filter((entry) => waveOf(entry) === highest);
}

function waveOf(entry: LiveEntry): number {
  const wave = Number(entry.object?.metadata.annotations?.[annotation.syncWave] ?? 0);
  return Number.isFinite(wave) ? wave : 0;
}

/** One step of a cascade: deletes what is next and not yet being deleted. Call again when the live state changed. */
export async function cascade(
  op: Op,
  cluster: DestinationCluster,
  application: string,
  policy: "Foreground" | "Background",
): Promise<DeletionProgress> {
  const left = deletable(cluster.cache.tagged(application));
  if (left.length === 0) return { done: true };
  const next = nextToDelete(left);
  let failure: DriftlessError | undefined;
  await Promise.all(
    next
      .filter((entry) => entry.deleting !== true)
      .map(async (entry) => {
        try {
          const type = await cluster.client.discovery.find(op, { ...entry.key, version: entry.version });
          if (!type) return;
          const ref = { name: entry.key.name, ...(type.namespaced ? { namespace: entry.key.namespace } : {}) };
          await cluster.client.delete(op, type, ref, { propagationPolicy: policy, uid: entry.uid });
        } catch (thrown) {
          const error = toError(thrown);
          // Somebody else deleted or replaced it in between: the watch will tell.
          if (error.code === "CONFLICT" || error.code === "NOT_FOUND") return;
          failure = new DriftlessError("DELETION_FAILED", `${displayKey(entry.key)}: ${error.message}`, {
            cause: error,
          });
        }
      }),
  );
  return { done: false, waiting: next, ...(failure ? { error: failure } : {}) };
}
