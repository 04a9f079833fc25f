// Secrets' values masked for people: in differences, answers and logs. Equal values get equal masks and different values
// different ones within one call, so that a difference shows without showing what differs. Pure.
import { isObject } from "#base/json.ts";
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { base64 } from "./base64.ts";

/** As many versions of one object as there are; absent ones stay absent. */
export type Versions = Readonly<Record<string, KubernetesObject | undefined>>;

type Entries = Readonly<Record<string, unknown>>;

function isSecret(object: KubernetesObject | undefined): object is KubernetesObject {
  return object?.kind === "Secret" && object.apiVersion === "v1";
}

/** Annotations whose values repeat a Secret's data. */
const repeating: readonly string[] = [annotation.lastApplied];

/**
 * Takes the versions of one object (live, desired, predicted …); returns them with every value of data and stringData
 * masked, and with annotations that repeat them (the last-applied one, and those the caller names) masked inside. Objects that
 * are no Secrets come back as they are. A mask says nothing of its value's length.
 */
export function maskSecrets<T extends Versions>(versions: T, maskedAnnotations: readonly string[] = []): T {
  const masks = new Masks();
  const result: Record<string, KubernetesObject | undefined> = {};
  for (const [name, object] of Object.entries(versions))
    result[name] = isSecret(object) ? maskSecret(object, masks, maskedAnnotations) : object;
  return result as T;
}

/** Each value by the key that it stands under: the first value of a key has the shortest mask. */
class Masks {
  private readonly known = new Map<string, Map<string, string>>();

  of(key: string, value: string): string {
    let masks = this.known.get(key);
    if (masks === undefined) this.known.set(key, (masks = new Map()));
    let mask = masks.get(value);
    if (mask === undefined) masks.set(value, (mask = "+".repeat(8 + masks.size * 2)));
    return mask;
  }
}

function maskSecret(secret: KubernetesObject, masks: Masks, maskedAnnotations: readonly string[]): KubernetesObject {
  const result: Record<string, unknown> = { ...secret };
  if (isObject(secret["data"])) result["data"] = maskValues(secret["data"], masks, (value) => withoutBreaks(value));
  else if (secret["data"] !== undefined && secret["data"] !== null)
    result["data"] = masks.of("", JSON.stringify(secret["data"]));
  if (isObject(secret["stringData"])) result["stringData"] = maskValues(secret["stringData"], masks, base64);
  else if (secret["stringData"] !== undefined && secret["stringData"] !== null)
    result["stringData"] = masks.of("", JSON.stringify(secret["stringData"]));
  const { annotations } = secret.metadata;
  if (annotations !== undefined && annotations !== null)
    result["metadata"] = { ...secret.metadata, annotations: maskAnnotations(annotations, masks, maskedAnnotations) };
  return result as unknown as KubernetesObject;
}

function withoutBreaks(value: string): string {
  return value.replaceAll(/[\r\n]/g, "");
}

/** `identity` makes the same of a value in data and of the text in stringData that it encodes. */
function maskValues(values: Entries, masks: Masks, identity: (value: string) => string): Entries {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values))
    result[key] =
      value === null ? null : masks.of(key, typeof value === "string" ? identity(value) : JSON.stringify(value));
  return result;
}

function maskAnnotations(annotations: Entries, masks: Masks, more: readonly string[]): Entries {
  let result: Record<string, unknown> | undefined;
  for (const name of [...repeating, ...more]) {
    const text = annotations[name];
    if (typeof text !== "string") continue;
    result ??= { ...annotations };
    result[name] = more.includes(name) ? masks.of(`annotation ${name}`, text) : maskJson(text, masks, more);
  }
  return result ?? annotations;
}

function maskJson(text: string, masks: Masks, more: readonly string[]): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return masks.of("", text);
  }
  if (!isObject(value)) return masks.of("", text);
  const object = { ...value, metadata: isObject(value["metadata"]) ? value["metadata"] : {} };
  return JSON.stringify(maskSecret(object as unknown as KubernetesObject, masks, more));
}
