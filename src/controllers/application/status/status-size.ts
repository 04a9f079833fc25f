// Keeps an Application's status small enough to be stored: an object holds at most about 1.5 MB. Of a sync's results those
// stay that somebody needs (hooks, prunes, failures), then as many others as there is room for. Pure.
import type { ApplicationStatus, ResourceResult, ResourceStatus } from "#model/application.ts";

/** Room for the status: etcd takes 1.5 MiB, the rest of the object comes on top. */
const roomBytes = 1_300_000;
/** Fewer entries than this always fit. */
const surelyFits = 2000;

/** Takes a status; returns it, without what does not fit. The same status always comes to the same. */
export function fittingStatus(status: ApplicationStatus): ApplicationStatus {
  const { operationState, resources = [] } = status;
  const results = operationState?.syncResult?.resources ?? [];
  if (resources.length + results.length <= surelyFits) return status;
  const bare = JSON.stringify({ ...status, resources: [], operationState: withResults(operationState, []) });
  let room = roomBytes - bare.length;
  const keptResources = within(resources, room, (resource) => !isPlain(resource));
  room -= keptResources.bytes;
  const keptResults = within(results, room, (result) => !isOrdinary(result));
  return {
    ...status,
    resources: keptResources.items,
    ...(operationState ? { operationState: withResults(operationState, keptResults.items) } : {}),
  };
}

function withResults<T extends ApplicationStatus["operationState"]>(state: T, resources: readonly ResourceResult[]): T {
  return state?.syncResult?.resources ? { ...state, syncResult: { ...state.syncResult, resources } } : state;
}

/** The items that fit, in their order: first those that count, then the others from the start. */
function within<T>(
  items: readonly T[],
  roomed: number,
  counts: (item: T) => boolean,
): { readonly items: readonly T[]; readonly bytes: number } {
  const sizes = items.map((item) => JSON.stringify(item).length + 1);
  const kept = new Set<number>();
  let bytes = 0;
  for (const first of [true, false]) {
    for (const [index, item] of items.entries()) {
      const size = sizes[index]!;
      if (counts(item) !== first || bytes + size > roomed) continue;
      kept.add(index);
      bytes += size;
    }
  }
  return { items: kept.size === items.length ? items : items.filter((_, index) => kept.has(index)), bytes };
}

function isPlain({ status, requiresPruning }: ResourceStatus): boolean {
  return status === "Synced" && requiresPruning !== true;
}

function isOrdinary({ status, hookType, hookPhase }: ResourceResult): boolean {
  return hookType === undefined && status === "Synced" && hookPhase !== "Failed" && hookPhase !== "Error";
}
