// JSON of answers with long lists, in pieces: nobody else waits while the five thousand objects of an application are
// written. Knows nothing of what they are.

/** Shorter lists are written at once. */
const longFrom = 500;
/** Characters of a piece. */
const pieceLength = 160 * 1024;
/** Other work gets its turn after so long. */
const turnMs = 10;

/** Whether a field of the answer is a list that is better written in pieces. */
export function hasLongList(answer: object): boolean {
  return Object.values(answer).some(isLong);
}

function isLong(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length >= longFrom;
}

/** The same bytes as of JSON.stringify. */
export async function* jsonPieces(answer: object): AsyncGenerator<Buffer> {
  let text = "";
  let turnEnds = performance.now() + turnMs;
  for (const part of partsOf(answer)) {
    text += part;
    if (text.length < pieceLength) continue;
    yield Buffer.from(text);
    text = "";
    if (performance.now() < turnEnds) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnEnds = performance.now() + turnMs;
  }
  yield Buffer.from(text);
}

function* partsOf(answer: object): Generator<string> {
  let before = "{";
  for (const [name, value] of Object.entries(answer) as [string, unknown][]) {
    const written = isLong(value) ? "" : (JSON.stringify(value) as string | undefined);
    if (written === undefined) continue;
    yield `${before}${JSON.stringify(name)}:${written}`;
    before = ",";
    if (isLong(value)) yield* itemsOf(value);
  }
  yield before === "{" ? "{}" : "}";
}

function* itemsOf(items: readonly unknown[]): Generator<string> {
  for (const [index, item] of items.entries())
    yield `${index === 0 ? "[" : ","}${(JSON.stringify(item) as string | undefined) ?? "null"}`;
  yield "]";
}
