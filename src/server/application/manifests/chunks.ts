// A query and an archive in chunks, as Argo CD's clients stream them: first `{"query": …}`, then `{"chunk": {"chunk": base64}}`
// until the end. The same whether the messages came by gRPC or as lines of JSON.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";

export interface QueryAndFiles {
  readonly query: Readonly<Record<string, unknown>>;
  /** The archive's bytes, read as they are asked for. */
  readonly packed: AsyncIterable<Uint8Array>;
}

/** Reads the first message; the others are read with the archive. Error: INVALID_ARGUMENT, also while it is read. */
export async function queryAndFiles(messages: AsyncIterable<unknown>): Promise<QueryAndFiles> {
  const left = messages[Symbol.asyncIterator]();
  const first = await left.next();
  const query: unknown = first.done !== true && isObject(first.value) ? first.value["query"] : undefined;
  if (!isObject(query)) throw new DriftlessError("INVALID_ARGUMENT", "the first message has no query");
  const packed = (async function* () {
    for (let next = await left.next(); next.done !== true; next = await left.next()) {
      const chunk: unknown = isObject(next.value) ? next.value["chunk"] : undefined;
      const bytes: unknown = isObject(chunk) ? chunk["chunk"] : undefined;
      if (typeof bytes !== "string") throw new DriftlessError("INVALID_ARGUMENT", "a message has no chunk");
      yield Buffer.from(bytes, "base64");
    }
  })();
  return { query, packed };
}
