// Files laid over a commit read like the commit that they would make; an archive that means harm is refused.
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Operation } from "#base/operation.ts";
import { overlayRepository, type OverlayFile } from "./overlay.ts";
import { createGitWorld, type GitWorld } from "./testing.ts";
import type { GitRepository } from "./types.ts";
import { packedBytes, unpackFiles } from "./unpack.ts";

let world: GitWorld;
let op: Operation;
beforeAll(async () => {
  world = await createGitWorld();
  op = world.op;
});
afterAll(() => world.close());

const text = (content: string): OverlayFile => ({ bytes: Buffer.from(content) });

/** What a repository holds at a commit: path → mode and content. */
async function contents(repository: GitRepository, sha: string): Promise<Record<string, string>> {
  const entries = await repository.tree(op, sha, "");
  const pairs = entries.map(async ({ path, mode, oid }) => {
    const bytes = await repository.blob(op, oid);
    return [path, `${mode} ${Buffer.from(bytes).toString()}`] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}

describe("files over a commit", () => {
  test("read like the commit that holds both", async () => {
    const { dir, url } = await world.repository("over");
    const before = await world.commit(dir, {
      "apps/web/a.yaml": "a",
      "apps/web/b.yaml": "b",
      "apps/gone/only.yaml": "x",
      "apps/thing": "a file that becomes a folder",
      "base/link": { symlink: "../apps/web" },
      "README.md": "r",
    });
    const after = await world.commit(dir, {
      "apps/web/a.yaml": "changed",
      "apps/web/sub/new.yaml": "new",
      "apps/gone/only.yaml": null,
      "apps/thing": null,
      "apps/thing/inside.yaml": "i",
      "base/link": { symlink: "../apps/thing" },
    });
    const repository = world.repositories.open({ url });
    await repository.refresh(op);
    const laid = await overlayRepository(
      op,
      new Map<string, OverlayFile | null>([
        ["apps/web/a.yaml", text("changed")],
        ["apps/web/sub/new.yaml", text("new")],
        ["apps/gone/only.yaml", null],
        ["apps/thing", null],
        ["apps/thing/inside.yaml", text("i")],
        ["base/link", { symlink: "../apps/thing" }],
      ]),
      { kind: "local", url, base: { repository, sha: before } },
    );

    expect(await contents(laid.repository, laid.sha)).toEqual(await contents(repository, after));

    expect(laid.sha).toMatch(/^local-[0-9a-f]{16}$/);
    expect((await laid.repository.entry(op, laid.sha, "apps/gone"))?.oid).toBeUndefined();
    // What was not touched keeps its id, so that what is remembered of it counts.
    const untouched = await repository.entry(op, before, "README.md");
    expect(await laid.repository.entry(op, laid.sha, "README.md")).toEqual(untouched);
    const names = (await laid.repository.items(op, (await laid.repository.entry(op, laid.sha, "apps"))?.oid ?? "")).map(
      ({ name }) => name,
    );
    expect(names).toEqual(["thing", "web"]);
  });

  test("alone are the whole tree, named after their content", async () => {
    const files = (content: string) => new Map([["web/a.yaml", text(content)]]);
    const options = { kind: "local", url: "https://git.example.com/a.git" };
    const [one, same, other] = await Promise.all([
      overlayRepository(op, files("1"), options),
      overlayRepository(op, files("1"), options),
      overlayRepository(op, files("2"), options),
    ]);
    expect(await contents(one.repository, one.sha)).toEqual({ "web/a.yaml": "100644 1" });
    expect(one.sha).toBe(same.sha);
    expect(one.sha).not.toBe(other.sha);
    await expect(one.repository.tree(op, one.sha, "nowhere")).rejects.toMatchObject({ code: "PATH_NOT_FOUND" });
    await expect(one.repository.blob(op, "0".repeat(40))).rejects.toMatchObject({ code: "INTERNAL" });
  });
});

test("where two lines of history parted", async () => {
  const { dir, url } = await world.repository("parted");
  const start = await world.commit(dir, { a: "1" });
  const main = await world.commit(dir, { a: "2" });
  const branch = await world.commit(dir, { b: "1" }, { branch: "topic", parent: start });
  const apart = await world.commit(dir, { c: "1" }, { branch: "apart", parent: null });
  const repository = world.repositories.open({ url });
  await repository.refresh(op);
  expect(await repository.mergeBase(op, main, branch)).toBe(start);
  expect(await repository.mergeBase(op, main, main)).toBe(main);
  expect(await repository.mergeBase(op, main, apart)).toBeUndefined();
});

interface Entry {
  readonly name: string;
  readonly type?: "file" | "symlink" | "link" | "directory" | "character-device";
  readonly linkname?: string;
  readonly content?: string;
  readonly mode?: number;
}

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const writer = pack();
  for (const { content = "", ...header } of entries) writer.entry({ mode: 0o644, ...header }, content);
  writer.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of writer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const archive = async (entries: readonly Entry[]): Promise<Buffer> => gzipSync(await tar(entries));

describe("an archive", () => {
  test("is unpacked with its links, modes and deletions", async () => {
    const body = await archive([
      { name: "./web/", type: "directory" },
      { name: "./web/run.sh", content: "#!", mode: 0o755 },
      { name: "web/a.yaml", content: "a" },
      { name: "web/link", type: "symlink", linkname: "../web/a.yaml" },
      { name: "web/.wh.old.yaml" },
    ]);
    expect(Object.fromEntries(await unpackFiles(op, packedBytes(body)))).toEqual({
      "web/run.sh": { bytes: Buffer.from("#!"), executable: true },
      "web/a.yaml": { bytes: Buffer.from("a"), executable: false },
      "web/link": { symlink: "../web/a.yaml" },
      "web/old.yaml": null,
    });
  });

  const file: Entry = { name: "a.yaml", content: "a".repeat(1000) };
  test.each<[why: string, entries: readonly Entry[], limits: object, code: string, says: RegExp]>([
    ["climbs out", [{ name: "../../etc/passwd" }], {}, "INVALID_ARGUMENT", /leads out/],
    ["is absolute", [{ name: "/etc/passwd" }], {}, "INVALID_ARGUMENT", /leads out/],
    ["holds Git's folder", [{ name: "a/.git/config" }], {}, "INVALID_ARGUMENT", /Git itself/],
    [
      "links out",
      [{ name: "a/b", type: "symlink", linkname: "../../x" }],
      {},
      "INVALID_ARGUMENT",
      /link that leads out/,
    ],
    [
      "links to a root",
      [{ name: "a", type: "symlink", linkname: "/etc" }],
      {},
      "INVALID_ARGUMENT",
      /link that leads out/,
    ],
    [
      "has a hard link",
      [{ name: "a", type: "link", linkname: "/etc/passwd" }],
      {},
      "INVALID_ARGUMENT",
      /neither a file/,
    ],
    ["has a device", [{ name: "a", type: "character-device" }], {}, "INVALID_ARGUMENT", /neither a file/],
    ["is too large unpacked", [file], { totalBytes: 999 }, "TOO_LARGE", /more than 999 bytes/],
    ["is too large packed", [file], { packedBytes: 10 }, "TOO_LARGE", /more than 10 bytes/],
    ["has too many files", [file, { name: "b" }, { name: "c" }], { files: 2 }, "TOO_LARGE", /more than 2 files/],
  ])("that %s is refused", async (_why, entries, limits, code, says) => {
    const unpacked = unpackFiles(op, packedBytes(await archive(entries)), limits);
    await expect(unpacked).rejects.toMatchObject({ code, message: expect.stringMatching(says) as string });
  });

  test("of zeros that unpacks to gigabytes ends at the limit", async () => {
    const bomb = await archive([{ name: "z", content: "0".repeat(30 << 20) }]);
    expect(bomb.length).toBeLessThan(100_000);
    await expect(unpackFiles(op, packedBytes(bomb), { totalBytes: 1 << 20 })).rejects.toMatchObject({
      code: "TOO_LARGE",
    });
  });

  test.each([
    ["no gzip", Buffer.from("hello")],
    ["cut off", gzipSync(Buffer.alloc(10_000, 1)).subarray(0, 20)],
  ])("that is %s is refused", async (_why, body) => {
    await expect(unpackFiles(op, packedBytes(body))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
