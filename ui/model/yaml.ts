// YAML text of objects for people, and back. Keys stand in the order that people expect, so that two objects compare
// line by line. Pure.
import { parseDocument, stringify } from "yaml";
import { isObject } from "#base/json.ts";

const first = ["apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations", "type", "spec", "data"];
const rank = (key: string): number => {
  const index = first.indexOf(key);
  return index < 0 ? first.length : index;
};

/** The same value with keys in a fixed order: well-known ones first, the others by name. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isObject(value)) return value;
  const keys = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(keys.map((key) => [key, ordered(value[key])]));
}

export function yamlOf(value: unknown): string {
  return stringify(ordered(value), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** The value of a YAML text that holds one object, or what is wrong with it, with its line. */
export function parseYaml(text: string): { readonly value?: unknown; readonly problem?: string } {
  const document = parseDocument(text, { prettyErrors: true });
  const error = document.errors[0];
  if (error) return { problem: error.message.split("\n")[0]!.replace(/:$/, "") };
  const value: unknown = document.toJS();
  return isObject(value) ? { value } : { problem: "One object is wanted here, and this is none." };
}
