import { expect, test } from "vitest";
import { queryAndFiles } from "./chunks.ts";

async function* stream(...messages: unknown[]): AsyncIterable<unknown> {
  yield* messages;
}
const base64 = (text: string): string => Buffer.from(text).toString("base64");

async function all(packed: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of packed) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("the first message is the query, the others are the archive", async () => {
  const { query, packed } = await queryAndFiles(
    stream(
      { query: { name: "web", checksum: "abc" } },
      { chunk: { chunk: base64("one ") } },
      { chunk: { chunk: base64("two") } },
    ),
  );
  expect(query).toEqual({ name: "web", checksum: "abc" });
  expect(await all(packed)).toBe("one two");
});

test("what is no query or no chunk is refused", async () => {
  await expect(queryAndFiles(stream())).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(queryAndFiles(stream({ chunk: { chunk: "" } }))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  const { packed } = await queryAndFiles(stream({ query: {} }, { query: {} }));
  await expect(all(packed)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
