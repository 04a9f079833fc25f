// Takes managedFields out of an answer before it is parsed: they are half of most objects' text and are not kept,
// except those of one manager for who asks for them.
import type { KubernetesObject } from "#model/object.ts";

/** As the API server writes it. Inside a JSON string the quotes would be escaped, so this is never part of a value. */
const start = `"managedFields":[{"manager":`;

/**
 * Takes compact JSON of one or many objects; returns it without their metadata.managedFields. With `keepAppliedBy`, what
 * that manager applied stays: the fields that it must remove once they are no longer desired.
 */
export function withoutManagedFields(text: string, keepAppliedBy?: string): string {
  let found = text.indexOf(start);
  if (found < 0) return text;
  const keep = keepAppliedBy === undefined ? undefined : appliedEntry(keepAppliedBy);
  let result = "";
  let from = 0;
  while (found >= 0) {
    const end = endOfList(text, found + start.length);
    if (end < 0) break;
    const kept = keep === undefined ? "" : entriesLike(text, keep, found, end);
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

/** How an entry begins, as the API server writes it. */
function appliedEntry(manager: string): string {
  return `{"manager":${JSON.stringify(manager)},"operation":"Apply",`;
}

/** The entries between two places that begin so, with commas between them. Inside a string the quotes would be escaped. */
function entriesLike(text: string, beginning: string, from: number, to: number): string {
  const entries: string[] = [];
  for (let at = text.indexOf(beginning, from); at >= 0 && at < to;) {
    const end = endOfValue(text, at + 1, 1);
    if (end < 0) break;
    entries.push(text.slice(at, end));
    at = text.indexOf(beginning, end);
  }
  return entries.join(",");
}

/** The same of an object in hand: the object itself where nothing goes. */
export function objectWithoutManagedFields(object: KubernetesObject, keepAppliedBy?: string): KubernetesObject {
  const { managedFields, ...metadata } = object.metadata;
  if (managedFields === undefined) return object;
  const kept = managedFields.filter(({ manager, operation }) => operation === "Apply" && manager === keepAppliedBy);
  if (kept.length === managedFields.length) return object;
  return { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, managedFields: kept } };
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
