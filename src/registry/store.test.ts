import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testClock } from "#git/testing.ts";
import { ContentStore, digestOf } from "./store.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "driftless-store-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const store = (maxBytes = 1 << 30): ContentStore => new ContentStore({ dir, clock: testClock, maxBytes });

describe("what was fetched, on disk", () => {
  it("is whole or not there after kill -9 at any time, and what was being written is cleaned up", async () => {
    const script = `
      import { randomBytes } from "node:crypto";
      import { ContentStore } from ${JSON.stringify(new URL("store.ts", import.meta.url).href)};
      const clock = { now: () => Date.now(), monotonic: () => performance.now(), after: () => () => {} };
      const store = new ContentStore({ dir: ${JSON.stringify(dir)}, clock, maxBytes: 64 << 20 });
      console.log("writes");
      for (let at = 0; ; at++) {
        const digest = await store.keep(randomBytes(300_000));
        await store.setNote("note " + (at % 5), { digest });
      }`;
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await new Promise((resolve) => child.stdout.once("data", resolve));
      await new Promise((resolve) => setTimeout(resolve, 60 + round * 37));
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("close", resolve));
      const names = readdirSync(join(dir, "contents"));
      expect(names.length).toBeGreaterThan(0);
      for (const name of names)
        expect(await digestOf(readFileSync(join(dir, "contents", name)))).toBe(`sha256:${name}`);
      for (const name of readdirSync(join(dir, "notes")))
        expect(JSON.parse(readFileSync(join(dir, "notes", name), "utf8"))).toHaveProperty("digest");
    }
    await store().keep(Buffer.from("x"));
    expect(readdirSync(join(dir, "tmp"))).toEqual([]);
  });

  it("is dropped where it is the longest unused, never what was just kept", async () => {
    const kept = store(1000);
    const digests: string[] = [];
    for (let at = 0; at < 12; at++) digests.push(await kept.keep(Buffer.alloc(100, at)));
    const there = await Promise.all(digests.map(async (digest) => (await kept.content(digest)) !== undefined));
    expect(there.at(-1)).toBe(true);
    expect(there.filter(Boolean).length).toBeLessThanOrEqual(10);
    const big = await kept.keep(Buffer.alloc(5000, 99));
    expect((await kept.content(big))?.length).toBe(5000);
  });

  it("says so where it cannot be written", async () => {
    const at = join(dir, "file");
    await store().keep(Buffer.from("x"));
    const blocked = new ContentStore({
      dir: join(dir, "contents", readdirSync(join(dir, "contents"))[0] ?? "", at),
      clock: testClock,
      maxBytes: 1,
    });
    await expect(blocked.keep(Buffer.from("y"))).rejects.toMatchObject({ code: "DATA_DIR_UNWRITABLE" });
  });
});
