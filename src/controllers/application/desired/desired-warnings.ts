// Sentences for what a desired state holds that will not be applied as it stands. Pure.
import { displayKey } from "#model/object.ts";
import type { Desired, DesiredObject } from "./desired.ts";

/** What the project forbids, what the cluster does not know, what is odd. */
export function warningsOf(desired: Desired): string[] {
  const at = ({ file, line, key }: DesiredObject): string => `${file}:${line}: ${displayKey(key)}`;
  return [
    ...desired.forbidden.map(({ object, reason }) => `${at(object)}: ${reason}`),
    ...desired.unknownKinds.map((object) => `${at(object)}: the cluster does not know this kind`),
    ...desired.conditions.map(({ message }) => message),
  ];
}
