// RespectIgnoreDifferences: the object to apply, with what is ignored taken from the live one, so that an apply leaves it
// as it is. Pure; shares what it does not change. Source: Argo CD's "Sync Options", Respect ignore differences.
import type { KubernetesObject } from "#model/object.ts";
import { anyType } from "#core/merge/schema.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { ignoredPlaces } from "./ignore.ts";
import type { IgnoreRule, Selected } from "./ignore.ts";
import { restored, withoutPlaces } from "./places.ts";

/**
 * Takes the desired and the live object, their type and what is ignored of them (rules that hold, what their jq
 * expressions named); returns the desired object with the live one's values there, and without what only it has there.
 */
export function respectIgnored(
  desired: KubernetesObject,
  live: KubernetesObject,
  schema: TypeSchema | undefined,
  given: { readonly ignore: readonly IgnoreRule[]; readonly selected?: Selected },
): KubernetesObject {
  const type = schema ?? anyType;
  const ignored = ignoredPlaces(given.ignore, given.selected, { live, desired }, type);
  if (ignored === undefined) return desired;
  const without = withoutPlaces(desired, ignored.desired);
  return (ignored.live === undefined ? without : restored(without, live, ignored.live, type)) as KubernetesObject;
}
