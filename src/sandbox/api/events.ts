// Events are one resource under two groups: kept as those of the core group, read and written as events.k8s.io/v1 too.
import type { KubernetesObject } from "#model/object.ts";

export const eventsGroup = "events.k8s.io";

/** Fields of events.k8s.io/v1, and what the core group calls them. */
const names: readonly (readonly [newName: string, coreName: string])[] = [
  ["note", "message"],
  ["regarding", "involvedObject"],
  ["reportingController", "reportingComponent"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
];

/** A core Event as events.k8s.io has it. */
export function newEvent(event: KubernetesObject, apiVersion: string): KubernetesObject {
  const renamedEvent = renamed(event, apiVersion, new Map(names.map(([newName, coreName]) => [coreName, newName])));
  const { reportingController, reportingInstance, ...rest } = renamedEvent;
  return {
    ...rest,
    ...(reportingController === "" ? {} : { reportingController }),
    ...(reportingInstance === "" ? {} : { reportingInstance }),
  } as KubernetesObject;
}

/** An Event of events.k8s.io as the core group has it. */
export function coreEvent(event: KubernetesObject): KubernetesObject {
  return event.apiVersion === "v1" ? event : renamed(event, "v1", new Map(names));
}

function renamed(event: KubernetesObject, apiVersion: string, to: ReadonlyMap<string, string>): KubernetesObject {
  const result: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(event)) result[to.get(field) ?? field] = value;
  return { ...result, apiVersion } as KubernetesObject;
}
