// Takes managedFields out of an answer before it is parsed: they are half of most objects' text and are not kept,
// except those that somebody asks for.
import type { KubernetesObject, ManagedFieldsEntry } from "#model/object.ts";
import type { KeptFields } from "./types.ts";

/** As the API server writes it. Inside a JSON string the quotes would be escaped, so this is never part of a value. */
const start = `"managedFields":[{"manager":`;

/**
 * Takes compact JSON of one or many objects; returns it without their metadata.managedFields. With `keep`, the entries that
 * it names stay, with `fieldsText` in place of `fieldsV1`.
 */
export function withoutManagedFields(text: string, keep?: KeptFields): string {
  let found = text.indexOf(start);
  if (found < 0) return text;
  const beginnings = keep === undefined ? [] : beginningsOf(keep);
  let result = "";
  let from = 0;
  while (found >= 0) {
    const end = endOfList(text, found + start.length);
    if (end < 0) break;
    const kept = beginnings.flatMap((beginning) => entriesLike(text, beginning, found, end)).join(",");
    let cutFrom = found;
    let cutTo = end;
    // One of the two commas beside it goes too.
    if (kept !== "") result += `${text.slice(from, found)}"managedFields":[${kept}]`;
    else {
      if (text[cutFrom - 1] === ",") cutFrom--;
      else if (text[cutTo] === ",") cutTo++;
      result += text.slice(from, cutFrom);
    }
    from = cutTo;
    found = text.indexOf(start, cutTo);
  }
  return result + text.slice(from);
}

/** How entries begin, as the API server writes them. */
function beginningsOf({ appliedBy, managers = [] }: KeptFields): readonly string[] {
  const named = managers.map((manager) => `{"manager":${JSON.stringify(manager)},`);
  if (appliedBy === undefined || managers.includes(appliedBy)) return named;
  return [`{"manager":${JSON.stringify(appliedBy)},"operation":"Apply",`, ...named];
}

/** The entries between two places that begin so. Inside a string the quotes would be escaped. */
function entriesLike(text: string, beginning: string, from: number, to: number): readonly string[] {
  const entries: string[] = [];
  for (let at = text.indexOf(beginning, from); at >= 0 && at < to;) {
    const end = endOfValue(text, at + 1, 1);
    if (end < 0) break;
    entries.push(withFieldsText(text.slice(at, end)));
    at = text.indexOf(beginning, end);
  }
  return entries;
}

const fieldsKey = `"fieldsV1":`;

/** An entry with its fields as a text. */
function withFieldsText(entry: string): string {
  const at = entry.indexOf(`${fieldsKey}{`);
  if (at < 0) return entry;
  const from = at + fieldsKey.length;
  const to = endOfValue(entry, from + 1, 1);
  return to < 0
    ? entry
    : `${entry.slice(0, at)}"fieldsText":${JSON.stringify(entry.slice(from, to))}${entry.slice(to)}`;
}

/** The same of an object in hand: the object itself where nothing goes. */
export function objectWithoutManagedFields(object: KubernetesObject, keep: KeptFields = {}): KubernetesObject {
  const { managedFields, ...metadata } = object.metadata;
  if (managedFields === undefined) return object;
  const { appliedBy, managers = [] } = keep;
  const kept = managedFields.filter(
    ({ manager, operation }) => (operation === "Apply" && manager === appliedBy) || managers.includes(manager),
  );
  if (kept.length === managedFields.length && kept.every(({ fieldsV1 }) => fieldsV1 === undefined)) return object;
  if (kept.length === 0) return { ...object, metadata };
  return { ...object, metadata: { ...metadata, managedFields: kept.map(asText) } };
}

function asText(entry: ManagedFieldsEntry): ManagedFieldsEntry {
  const { fieldsV1, ...rest } = entry;
  return fieldsV1 === undefined ? entry : { ...rest, fieldsText: JSON.stringify(fieldsV1) };
}

/** The index after the list's closing bracket, from a place inside its first object; -1 where it is not closed. */
function endOfList(text: string, from: number): number {
  return endOfValue(text, from, 2);
}

/** The index at which as many brackets are closed as are open at `from`; -1 where they are not. */
function endOfValue(text: string, from: number, open: number): number {
  let depth = open;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      i = endOfString(text, i + 1);
      if (i < 0) return -1;
    } else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) {
      depth--;
      if (depth === 0) return i + 1;
    }
  }
  return -1;
}

/** The index of the quote that ends a string. */
function endOfString(text: string, from: number): number {
  for (let i = from; ;) {
    const quote = text.indexOf('"', i);
    if (quote < 0) return -1;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote;
    i = quote + 1;
  }
}
