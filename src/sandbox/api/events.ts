// Events are one resource under two groups: kept as those of the core group, read and written as events.k8s.io/v1 too.
import { isObject, type JsonObject } from "#base/json.ts";
import type { KubernetesObject, ManagedFieldsEntry } from "#model/object.ts";

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
  };
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

/**
 * FieldsV1 of created events, by their shape: most events of a cluster have one of a few, and are many. Never longer than
 * `maxShapes`.
 */
export type EventShapes = Map<string, JsonObject>;

const maxShapes = 128;

/**
 * A created event with its managedFields, as `track` makes them: which fields it has decides which its creator owns,
 * whatever their values are. `track` is asked for shapes not seen before and for those with deeper fields.
 */
export function trackedEvent(
  shapes: EventShapes,
  event: KubernetesObject,
  by: { readonly manager: string; readonly time: string },
  track: () => KubernetesObject,
): KubernetesObject {
  const shape = shapeOf(event);
  const known = shape === undefined ? undefined : shapes.get(shape);
  if (known !== undefined) {
    const entry: ManagedFieldsEntry = {
      manager: by.manager,
      operation: "Update",
      apiVersion: event.apiVersion,
      time: by.time,
      fieldsType: "FieldsV1",
      fieldsV1: known,
    };
    return { ...event, metadata: { ...event.metadata, managedFields: [entry] } };
  }
  const tracked = track();
  const fields = tracked.metadata.managedFields?.[0]?.fieldsV1;
  if (shape !== undefined && isObject(fields) && shapes.size < maxShapes) shapes.set(shape, fields);
  return tracked;
}

/** The names of all fields, with the version, down to the second level; undefined where there are lists or deeper ones. */
function shapeOf(event: KubernetesObject): string | undefined {
  let text = event.apiVersion;
  for (const name in event) {
    const value = event[name];
    if (value === undefined) continue;
    text += `,${name}`;
    if (typeof value !== "object" || value === null) continue;
    if (!isObject(value)) return undefined;
    text += "{";
    for (const inner in value) {
      const item = value[inner];
      if (item === undefined) continue;
      if (typeof item === "object" && item !== null) return undefined;
      text += `,${inner}`;
    }
    text += "}";
  }
  return text;
}
