import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDiskCache, type DiskCache } from "./cache.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const textOf = (key: string): string => `${key} ${"x".repeat(2000)} ${key}`;

let dir: string;
let problems: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "driftless-cache-"));
  problems = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (more: { maxBytes?: number; version?: string } = {}): DiskCache =>
  openDiskCache({ dir, version: "1", maxBytes: 1 << 20, digest, problem: (why) => problems.push(why), ...more });
const file = (): string => join(dir, "parsed.sqlite");

async function filled(keys = 100): Promise<void> {
  const cache = open();
  for (let at = 0; at < keys; at++) cache.set(`k${at}`, textOf(`k${at}`));
  await turn();
  cache.close();
}

/** What is there is what was put there, and new entries are kept; returns how many of the old ones are there. */
async function usable(cache: DiskCache, keys = 100): Promise<number> {
  let found = 0;
  for (let at = 0; at < keys; at++) {
    const text = cache.get(`k${at}`);
    if (text === undefined) continue;
    expect(text).toBe(textOf(`k${at}`));
    found++;
  }
  cache.set("new", "text");
  await turn();
  expect(cache.get("new")).toBe("text");
  return found;
}

describe("the cache on disk", () => {
  it("keeps entries over a restart, but those of another version", async () => {
    await filled();
    const again = open();
    expect(await usable(again)).toBe(100);
    again.close();
    const other = open({ version: "2" });
    expect(other.get("k1")).toBeUndefined();
    other.close();
    expect(problems).toEqual([]);
  });

  it("stays within its bound and drops what was not used for the longest", async () => {
    await filled();
    const cache = open({ maxBytes: 100_000 });
    for (let at = 90; at < 100; at++) cache.get(`k${at}`);
    await turn();
    for (let at = 0; at < 500; at++) {
      cache.set(`n${at}`, textOf(`n${at}`));
      if (at % 10 === 0) await turn();
    }
    await turn();
    expect(cache.get("k0")).toBeUndefined();
    expect(cache.get("n499")).toBeDefined();
    cache.close();
    expect(statSync(file()).size).toBeLessThan(1 << 20);
  });

  it.each([0, 1, 99, 100, 4096, 5000, 50_000, 200_000])(
    "cut off at %i bytes gives whole entries or none",
    async (size) => {
      await filled();
      expect(statSync(file()).size).toBeGreaterThan(200_000);
      truncateSync(file(), size);
      const cache = open();
      await usable(cache);
      cache.close();
      const later = open();
      expect(later.get("new")).toBe("text");
      later.close();
    },
  );

  it("with bytes changed anywhere gives whole entries or none", async () => {
    await filled();
    const good = readFileSync(file());
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 40; round++) {
      const bad = Buffer.from(good);
      for (let at = 0; at < 1 + random(200); at++) bad[random(bad.length)] = random(256);
      for (const suffix of ["-wal", "-shm"]) rmSync(file() + suffix, { force: true });
      writeFileSync(file(), bad);
      const cache = open();
      await usable(cache);
      cache.close();
    }
  });

  it("that is no database at all is begun anew, and said once", async () => {
    writeFileSync(file(), "not a database, but long enough to look at: ".repeat(500));
    const cache = open();
    expect(await usable(cache)).toBe(0);
    cache.close();
    expect(problems).toEqual([expect.stringContaining("begun anew")]);
  });

  it("in a folder that cannot be made is none", async () => {
    writeFileSync(join(dir, "taken"), "");
    const cache = openDiskCache({
      dir: join(dir, "taken"),
      version: "1",
      maxBytes: 1000,
      digest,
      problem: (why) => problems.push(why),
    });
    cache.set("a", "b");
    await turn();
    expect(cache.get("a")).toBeUndefined();
    expect(problems).toHaveLength(1);
    cache.close();
  });

  it("outlives a process that is killed while it writes", async () => {
    const module = join(import.meta.dirname, "cache.ts");
    const script = `
      import { createHash } from "node:crypto";
      import { openDiskCache } from ${JSON.stringify(module)};
      const digest = (text) => createHash("sha256").update(text).digest("hex");
      const cache = openDiskCache({ dir: ${JSON.stringify(dir)}, version: "1", maxBytes: 1 << 20, digest, problem: () => process.exit(9) });
      console.log("open");
      let at = 0;
      const more = () => {
        for (let count = 0; count < 20; count++, at++) cache.set("k" + at % 100, "k" + at % 100 + " " + "x".repeat(2000) + " k" + at % 100);
        setImmediate(more);
      };
      more();`;
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await new Promise((resolve) => child.stdout.once("data", resolve));
      const size = (): number => statSync(`${file()}-wal`, { throwIfNoEntry: false })?.size ?? 0;
      await expect.poll(size).toBeGreaterThan(300_000);
      const ended = new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
      child.kill("SIGKILL");
      expect(await ended).toBe("SIGKILL");
      const cache = open();
      expect(await usable(cache)).toBeGreaterThan(0);
      cache.close();
    }
    expect(problems).toEqual([]);
  });
});
