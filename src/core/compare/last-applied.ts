// The object that a client-side apply applied last, as its annotation holds it. Pure.
import type { Json } from "#base/json.ts";
import { isObject } from "#base/json.ts";
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";

/** The last-applied annotation's object; undefined where there is none, or none that can be read. */
export function lastAppliedOf(live: KubernetesObject): KubernetesObject | undefined {
  const text = live.metadata.annotations?.[annotation.lastApplied];
  if (text === undefined || text === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Nothing is known of the last apply, as if there had been none.
  }
  if (!isObject(value)) return undefined;
  const metadata: Json | undefined = value["metadata"];
  // An annotation that was copied along from another version of the kind says nothing of this one's fields.
  if (value["apiVersion"] !== live.apiVersion) return undefined;
  return (isObject(metadata) ? value : { ...value, metadata: {} }) as unknown as KubernetesObject;
}
