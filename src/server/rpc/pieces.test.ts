import { describe, expect, it } from "vitest";
import { hasLongList, jsonPieces } from "./pieces.ts";

const long = Array.from({ length: 3000 }, (_, at) => ({ name: `größe-${at}`, text: 'a "quoted"\n line'.repeat(20) }));

async function pieces(answer: object): Promise<string[]> {
  const found: string[] = [];
  for await (const piece of jsonPieces(answer)) found.push(piece.toString());
  return found;
}

describe("JSON in pieces", () => {
  it.each<[string, object]>([
    ["a long list alone", { items: long }],
    ["beside other fields", { metadata: { a: 1 }, items: long, more: long, last: null, 'ü"': [1] }],
    ["with what JSON has no word for", { no: undefined, items: [...long, undefined, () => 1], f: () => 1 }],
    ["nothing", {}],
    ["what is nothing in JSON", { a: undefined }],
  ])("is what JSON.stringify gives: %s", async (_name, answer) => {
    expect((await pieces(answer)).join("")).toBe(JSON.stringify(answer));
  });

  it("comes in several, and lets others go on in between", async () => {
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    const found = await pieces({ items: Array.from({ length: 20 }, () => long).flat() });
    clearInterval(count);
    expect(found.length).toBeGreaterThan(20);
    expect(turns).toBeGreaterThan(0);
  });

  it("is for long lists alone", () => {
    expect([hasLongList({ items: long }), hasLongList({ items: long.slice(0, 499) }), hasLongList({ a: 1 })]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
