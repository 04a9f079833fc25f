// A backup as a file: YAML documents, each an object of an installation. Refused as a whole where one is not.
import { DriftlessError } from "#base/errors.ts";
import { isObject, stringAt } from "#base/json.ts";
import { keyOf, keyText, type KubernetesObject } from "#model/object.ts";
import { isBackedUp, kindOf, withoutStringData } from "./backup.ts";

/**
 * The objects of a backup, in its order. Error: MANIFEST_INVALID naming the place, the document and the reason; never
 * quoting the document, which may be a Secret.
 */
export async function readBackup(place: string, content: string): Promise<readonly KubernetesObject[]> {
  const { loadAll } = await import("js-yaml");
  const where = place === "-" ? "the input" : place;
  let documents: unknown[];
  try {
    documents = loadAll(content);
  } catch (thrown) {
    const { reason, mark } = thrown as { readonly reason?: string; readonly mark?: { readonly line: number } };
    const line = mark === undefined ? "" : `line ${mark.line + 1}: `;
    throw new DriftlessError("MANIFEST_INVALID", `${where}: ${line}${reason ?? "it is not YAML"}`);
  }
  const objects = documents.flatMap((document, index) =>
    document === null || document === undefined ? [] : [objectOf(document, `document ${index + 1} of ${where}`)],
  );
  if (objects.length === 0) throw new DriftlessError("MANIFEST_INVALID", `${where} holds no objects`);
  const seen = new Set<string>();
  for (const object of objects) {
    const key = keyText(keyOf(object));
    if (seen.has(key))
      throw new DriftlessError("MANIFEST_INVALID", `${where} holds ${kindOf(object)} ${object.metadata.name} twice`);
    seen.add(key);
  }
  return objects;
}

function objectOf(document: unknown, where: string): KubernetesObject {
  const refuse = (why: string): DriftlessError => new DriftlessError("MANIFEST_INVALID", `${where} ${why}`);
  if (!isObject(document)) throw refuse("is not a mapping");
  const kind = stringAt(document, "kind");
  if (kind === undefined || stringAt(document, "apiVersion") === undefined)
    throw refuse("has no apiVersion or no kind");
  if (!stringAt(document, "metadata", "name")) throw refuse(`is a ${kind} without a name`);
  const object = document as unknown as KubernetesObject;
  if (!isBackedUp(object)) throw refuse(`is a ${kind}, which is not part of a backup`);
  return withoutStringData(object);
}
