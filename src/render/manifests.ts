// Documents → Kubernetes objects: lists unfolded, empty ones skipped, what is no object refused or ignored as Argo CD does,
// duplicates found. Pure.
import { DriftlessError } from "#base/errors.ts";
import { isObject, stableStringify } from "#base/json.ts";
import { displayKey, keyOf, keyText, type KubernetesObject } from "#model/object.ts";
import type { DuplicateObject, RenderedObject } from "./types.ts";
import type { ManifestParser, ParsedText } from "./yaml.ts";

/** The objects of one file's content, without the file's name: equal contents share one. */
export interface ParsedFile {
  readonly objects: readonly { readonly object: KubernetesObject; readonly hash: string; readonly line: number }[];
  readonly warnings: readonly string[];
}

/** A file that holds this is no manifest. Source: Argo CD's "Directory", Skipping File Rendering. */
export const skipMarker = "+argocd:skip-file-rendering";

/** Takes a file's bytes; returns its text. UTF-16 with a byte order mark is read as Argo CD reads it. Error: MANIFEST_INVALID. */
export function decodeText(bytes: Uint8Array, file: string): string {
  const label =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DriftlessError("MANIFEST_INVALID", `${file}: is not UTF-8 text`, { details: { file }, cause: error });
  }
}

/** Parses one manifest file. Errors: MANIFEST_INVALID with file, line and column. */
export function parseManifest(
  parser: ManifestParser,
  text: string,
  file: string,
  digest: (text: string) => string,
): ParsedFile {
  if (text.includes(skipMarker)) return { objects: [], warnings: [] };
  const parsed: ParsedText = file.endsWith(".json") ? parser.json(text, file) : parser.yaml(text, file);
  const warnings = parsed.lossy.map(
    (number) => `the number ${number} is too large to be kept exactly; write it as a string if the field allows`,
  );
  const objects: { object: KubernetesObject; hash: string; line: number }[] = [];
  const foreign: { line: number; why: string }[] = [];
  for (const { value, line } of parsed.documents) {
    if (value === null || value === undefined) continue;
    if (!isObject(value) || (value["apiVersion"] === undefined && value["kind"] === undefined)) {
      foreign.push({ line, why: isObject(value) ? "has neither apiVersion nor kind" : "is not a mapping" });
      continue;
    }
    for (const object of unfold(value, line, file))
      objects.push({ object, hash: digest(stableStringify(object)), line });
  }
  const [first] = foreign;
  if (first) {
    // As Argo CD: a file that has nothing of a manifest is somebody else's (values, dashboards); one that has is a mistake.
    const looksLikeManifest = ["apiVersion", "kind", "metadata"].every((word) =>
      new RegExp(`(^|[\\s"'{])${word}["']?:`).test(text),
    );
    if (objects.length > 0 || looksLikeManifest || file.endsWith(".json"))
      throw invalid(file, first.line, `the document ${first.why}`);
    warnings.push(`holds no Kubernetes object: the document of line ${first.line} ${first.why}`);
  }
  return { objects, warnings };
}

/** The objects of one rendered document: none of null, a list's items. Error: MANIFEST_INVALID. */
export function objectsOf(value: unknown, file: string, line: number): KubernetesObject[] {
  if (value === null || value === undefined) return [];
  if (!isObject(value)) throw invalid(file, line, "the document is not a mapping");
  return unfold(value, line, file);
}

/** A `List` of any kind becomes its items, at every depth. */
function unfold(value: Readonly<Record<string, unknown>>, line: number, file: string): KubernetesObject[] {
  const { apiVersion, kind, items } = value;
  if (typeof apiVersion !== "string" || apiVersion === "")
    throw invalid(file, line, `the ${typeof kind === "string" ? kind : "object"} has no apiVersion`);
  if (typeof kind !== "string" || kind === "") throw invalid(file, line, "the object has no kind");
  if (kind.endsWith("List") && Array.isArray(items)) {
    return items.flatMap((item: unknown, index) => {
      if (!isObject(item)) throw invalid(file, line, `item ${index} of the ${kind} is not an object`);
      // Typed lists may leave out what the list's own kind says.
      const filled = kind === "List" ? item : { apiVersion, kind: kind.slice(0, -4), ...item };
      return unfold(filled, line, file);
    });
  }
  const { metadata } = value;
  if (!isObject(metadata)) throw invalid(file, line, `the ${kind} has no metadata`);
  for (const field of ["name", "generateName", "namespace"]) {
    if (metadata[field] !== undefined && metadata[field] !== null && typeof metadata[field] !== "string")
      throw invalid(file, line, `metadata.${field} of the ${kind} is not a string: ${JSON.stringify(metadata[field])}`);
  }
  if (!metadata["name"] && !metadata["generateName"]) throw invalid(file, line, `the ${kind} has no metadata.name`);
  const name = metadata["name"] ?? metadata["generateName"];
  const label = typeof name === "string" ? name : "";
  for (const field of ["labels", "annotations"]) {
    const map = metadata[field];
    if (map === undefined || map === null) continue;
    if (!isObject(map)) throw invalid(file, line, `metadata.${field} of ${kind} ${label} is not a mapping`);
    for (const [key, text] of Object.entries(map)) {
      if (typeof text !== "string" && text !== null)
        throw invalid(
          file,
          line,
          `metadata.${field}[${JSON.stringify(key)}] of ${kind} ${label} is not a string: ${JSON.stringify(text)}; put it in quotes`,
        );
    }
  }
  return [value as unknown as KubernetesObject];
}

function invalid(file: string, line: number, why: string): DriftlessError {
  return new DriftlessError("MANIFEST_INVALID", `${file}:${line}: ${why}`, { details: { file, line } });
}

/** Of objects with one key the last stays, in the place of the first; the others are told. */
export function withoutDuplicates(
  all: readonly RenderedObject[],
  namespace: string,
): { objects: RenderedObject[]; duplicates: DuplicateObject[] } {
  const places = new Map<string, RenderedObject[]>();
  for (const rendered of all) {
    const key = keyOf(rendered.object);
    if (key.name === "") continue; // generateName: each is an object of its own
    const text = keyText(key.namespace === "" ? { ...key, namespace } : key);
    const same = places.get(text);
    if (same) same.push(rendered);
    else places.set(text, [rendered]);
  }
  if (places.size === all.length) return { objects: [...all], duplicates: [] };
  const dropped = new Set<RenderedObject>();
  const replaced = new Map<RenderedObject, RenderedObject>();
  const duplicates: DuplicateObject[] = [];
  for (const same of places.values()) {
    const [first] = same;
    const last = same.at(-1);
    if (same.length < 2 || !first || !last) continue;
    duplicates.push({ key: displayKey(keyOf(last.object)), places: same.map(({ file, line }) => ({ file, line })) });
    replaced.set(first, last);
    for (const one of same.slice(1)) dropped.add(one);
  }
  return { objects: all.filter((one) => !dropped.has(one)).map((one) => replaced.get(one) ?? one), duplicates };
}
