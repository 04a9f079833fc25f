// Takes managedFields out of an answer before it is parsed: they are half of most objects' text and are not kept.

/** As the API server writes it. Inside a JSON string the quotes would be escaped, so this is never part of a value. */
const start = `"managedFields":[{"manager":`;

/** Takes compact JSON of one or many objects; returns it without their metadata.managedFields. */
export function withoutManagedFields(text: string): string {
  let found = text.indexOf(start);
  if (found < 0) return text;
  let result = "";
  let from = 0;
  while (found >= 0) {
    const end = endOfList(text, found + start.length);
    if (end < 0) break;
    let cutFrom = found;
    let cutTo = end;
    // One of the two commas beside it goes too.
    if (text[cutFrom - 1] === ",") cutFrom--;
    else if (text[cutTo] === ",") cutTo++;
    result += text.slice(from, cutFrom);
    from = cutTo;
    found = text.indexOf(start, cutTo);
  }
  return result + text.slice(from);
}

/** The index after the list's closing bracket, from a place inside its first object; -1 where it is not closed. */
function endOfList(text: string, from: number): number {
  let depth = 2; // the list and its first object
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
