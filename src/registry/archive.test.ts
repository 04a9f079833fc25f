import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { testOperation } from "#git/testing.ts";
import { unpack } from "./archive.ts";
import { tarOf, tgzOf, type ArchiveEntry } from "./testing/archives.ts";

const limits = { maxBytes: 1 << 20, maxFiles: 100, name: "it", strip: false };

describe("an archive that would do harm is refused", () => {
  it.each<[string, readonly ArchiveEntry[], string]>([
    [
      "a path that leads out",
      [{ name: "a/../../x", content: "x" }],
      "ARTIFACT_INVALID it: holds a path that leads out of it: a/../../x",
    ],
    ["an absolute path", [{ name: "/etc/x", content: "x" }], "ARTIFACT_INVALID it: holds an absolute path: /etc/x"],
    [
      "backslashes",
      [{ name: "a\\..\\..\\x", content: "x" }],
      "ARTIFACT_INVALID it: holds a path that leads out of it: a\\..\\..\\x",
    ],
    ["a drive", [{ name: "C:\\x", content: "x" }], "ARTIFACT_INVALID it: holds an absolute path: C:\\x"],
    [
      "a link out",
      [{ name: "a/l", type: "symlink", linkname: "../../etc" }],
      "ARTIFACT_INVALID it: the symbolic link a/l leads out of it: ../../etc",
    ],
    [
      "an absolute link",
      [{ name: "l", type: "symlink", linkname: "/etc/passwd" }],
      "ARTIFACT_INVALID it: the symbolic link l leads out of it: /etc/passwd",
    ],
    [
      "a hard link out",
      [{ name: "l", type: "link", linkname: "../x" }],
      "ARTIFACT_INVALID it: holds a path that leads out of it: ../x",
    ],
    [
      "a hard link to nothing",
      [{ name: "l", type: "link", linkname: "x" }],
      "ARTIFACT_INVALID it: the hard link l is to x, which is not in it",
    ],
    [
      "a device",
      [{ name: "d", type: "character-device" }],
      "ARTIFACT_INVALID it: d is a character-device, which is not allowed",
    ],
    ["a pipe", [{ name: "p", type: "fifo" }], "ARTIFACT_INVALID it: p is a fifo, which is not allowed"],
    ["nothing in it", [], "ARTIFACT_INVALID it: holds no files"],
    [
      "a path too deep",
      [{ name: `${"a/".repeat(80)}x`, content: "x" }],
      "ARTIFACT_INVALID it: holds a path with more than 64 folders: ",
    ],
    [
      "too many files",
      Array.from({ length: 200 }, (_, at) => ({ name: `f${at}`, content: "x" })),
      "TOO_LARGE it has more than 100 files",
    ],
  ])("%s", async (_name, entries, expected) => {
    const error = await unpack(testOperation(), await tarOf(entries), limits).catch((thrown: unknown) => thrown);
    expect(`${(error as { code: string }).code} ${(error as Error).message}`).toContain(expected);
  });

  it("a bomb, before it unfolds", async () => {
    const bomb = gzipSync(await tarOf([{ name: "zeros", content: Buffer.alloc(200 << 20) }]));
    expect(bomb.length).toBeLessThan(300_000);
    const before = process.memoryUsage().rss;
    await expect(unpack(testOperation(), bomb, limits)).rejects.toThrow("it has more than 1048576 bytes unpacked");
    expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20);
  });

  it.each<[string, Buffer, RegExp]>([
    ["text", Buffer.from("hello, this is no archive"), /is no tar archive|damaged/],
    ["half a gzip", gzipSync(Buffer.alloc(100_000, "ab")).subarray(0, 60), /is no gzipped tar archive, or is damaged/],
    ["gzipped text", gzipSync(Buffer.from("hello".repeat(1000))), /is no gzipped tar archive, or is damaged/],
  ])("%s", async (_name, bytes, expected) => {
    await expect(unpack(testOperation(), bytes, limits)).rejects.toThrow(expected);
  });

  it("a chart's archive with files beside its folder", async () => {
    const bytes = await tgzOf({ "web/Chart.yaml": "a", "other/x": "b" });
    await expect(unpack(testOperation(), bytes, { ...limits, strip: true })).rejects.toThrow("must hold one folder");
  });
});

describe("an honest archive", () => {
  it("keeps modes and links inside, and equal folders have equal ids", async () => {
    const entries: ArchiveEntry[] = [
      { name: "./a/", type: "directory" },
      { name: "./a/run.sh", content: "x", mode: 0o755 },
      { name: "a/l", type: "symlink", linkname: "../b/same" },
      { name: "a/hard", type: "link", linkname: "a/run.sh" },
      { name: "b/same", content: "s" },
      { name: "c/same", content: "s" },
    ];
    const tree = await unpack(testOperation(), await tarOf(entries), limits);
    const [a, b, c] = tree.items(tree.root) ?? [];
    expect(b?.oid).toBe(c?.oid);
    const inside = Object.fromEntries((tree.items(a?.oid ?? "") ?? []).map((item) => [item.name, item]));
    expect(inside["run.sh"]).toMatchObject({ mode: "100755", type: "blob" });
    expect(inside["hard"]?.oid).toBe(inside["run.sh"]?.oid);
    expect(inside["l"]).toMatchObject({ mode: "120000", type: "symlink" });
    expect(Buffer.from(tree.blob(inside["l"]?.oid ?? "") ?? []).toString()).toBe("../b/same");
  });
});
