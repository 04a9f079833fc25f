import { describe, expect, it } from "vitest";
import { quickCompressions } from "./compression.ts";

describe.each(quickCompressions.map((each) => [each.name, each] as const))("%s", (_name, { compress, decompress }) => {
  const text = JSON.stringify(Array.from({ length: 5000 }, (_, at) => ({ name: `service-${at}`, status: "Synced" })));

  it("packs what is read again as it was", async () => {
    const packed = await compress(Buffer.from(text));
    expect(packed.length).toBeLessThan(text.length / 5);
    expect(Buffer.from(await decompress(packed, text.length)).toString()).toBe(text);
  });

  it("unpacks no more than may be read", async () => {
    const packed = await compress(Buffer.from(text));
    await expect(decompress(packed, text.length - 1)).rejects.toThrow(/larger than/);
  });
});

it("gzip is preferred", () => {
  expect(quickCompressions.map(({ name }) => name)).toEqual(["gzip", "br"]);
});
