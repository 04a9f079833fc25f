// Which of a person's files go to the server: from the right root, without what Git ignores, and where it can be told only
// what differs from a commit that a remote has.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { silentLogger } from "#base/operation.ts";
import type { Upload } from "../server/api.ts";
import { packAll, packChanges, placeOf } from "./local-files.ts";

const home = realpathSync(mkdtempSync(join(tmpdir(), "driftless-local-")));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const { PATH = "" } = process.env;
const env = { PATH, HOME: home, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
const asking = { op: { signal: new AbortController().signal, log: silentLogger }, env };
const git = (folder: string, ...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.com", ...args], {
    cwd: folder,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });

function write(root: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}

/** What an archive holds: name → content, link target, or the mode where it is executable. */
async function contents({ body, checksum }: Upload): Promise<Record<string, string>> {
  expect(createHash("sha256").update(body.bytes).digest("hex")).toBe(checksum);
  const found: Record<string, string> = {};
  const reader = extract();
  Readable.from([body.bytes]).pipe(createGunzip()).pipe(reader);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    const { name, type, linkname } = entry.header;
    found[name] = type === "symlink" ? `-> ${linkname}` : Buffer.concat(chunks).toString();
  }
  return found;
}

let root = "";
let count = 0;
beforeEach(() => {
  root = join(home, `r${count++}`);
  write(root, { "apps/web/a.yaml": "a", "apps/web/templates/_h.tpl": "t", "base/b.yaml": "b", "big.log": "log" });
});

const repository = (): void => {
  git(root, "init", "--quiet", "--initial-branch=main");
  write(root, { ".gitignore": "*.log\n" });
  git(root, "add", ".");
  git(root, "commit", "--quiet", "-m", "1");
};

describe("the root of the repository", () => {
  test("is the given one, the working copy's, what is left of the application's path, or the folder", () => {
    const web = join(root, "apps/web");
    expect(placeOf(web, { root })).toEqual({ root, path: "apps/web" });
    expect(placeOf(web, { sourcePath: "./apps/web/" })).toEqual({ root, path: "apps/web" });
    expect(placeOf(web, { sourcePath: "other" })).toEqual({ root: web, path: "." });
    git(root, "init", "--quiet");
    expect(placeOf(web, {})).toEqual({ root, path: "apps/web" });
    expect(placeOf(web, { root: join(root, "apps") })).toEqual({ root: join(root, "apps"), path: "web" });
  });

  test.each([
    ["no folder", "nowhere", {}, /--local nowhere: there is no such folder/],
    ["a file", "big.log", {}, /no such folder/],
    ["not below the root", ".", { root: "base" }, /is not below the repository's root/],
  ])("that is %s is refused", (_why, folder, given, says) => {
    const at = "root" in given ? { root: join(root, given.root) } : {};
    const local = folder === "nowhere" ? folder : join(root, folder);
    expect(() => placeOf(local, at)).toThrow(says);
  });
});

describe("all files", () => {
  test("are those of the folder, or of the working copy without what is ignored", async () => {
    const plain = { "apps/web/a.yaml": "a", "apps/web/templates/_h.tpl": "t", "base/b.yaml": "b" };
    expect(await contents(await packAll(asking, root))).toEqual({ ...plain, "big.log": "log" });
    repository();
    write(root, { "new.yaml": "n" });
    symlinkSync("../base/b.yaml", join(root, "apps/link.yaml"));
    rmSync(join(root, "apps/web/a.yaml"));
    expect(await contents(await packAll(asking, root))).toEqual({
      ".gitignore": "*.log\n",
      "apps/link.yaml": "-> ../base/b.yaml",
      "apps/web/templates/_h.tpl": "t",
      "base/b.yaml": "b",
      "new.yaml": "n",
    });
  });

  test("may be narrowed by patterns of names", async () => {
    const packed = await packAll(asking, root, { include: ["*.yaml", "_?.tpl"] });
    expect(Object.keys(await contents(packed))).toEqual([
      "apps/web/a.yaml",
      "apps/web/templates/_h.tpl",
      "base/b.yaml",
    ]);
    await expect(packAll(asking, root, { include: ["*.json"] })).rejects.toThrow(/holds no files to send that match/);
  });
});

describe("changes", () => {
  const remote = (): void => {
    repository();
    git(home, "init", "--quiet", "--bare", `${root}.git`);
    git(root, "remote", "add", "origin", `${root}.git`);
    git(root, "push", "--quiet", "origin", "main");
  };

  test("are what differs from the newest commit that the remote has, committed or not", async () => {
    remote();
    const base = git(root, "rev-parse", "HEAD").trim();
    expect(await contents((await packChanges(asking, root))!)).toEqual({});
    git(root, "checkout", "--quiet", "-b", "topic");
    write(root, { "apps/web/a.yaml": "committed" });
    git(root, "rm", "--quiet", "base/b.yaml");
    git(root, "commit", "--quiet", "-am", "2");
    write(root, { "apps/web/templates/_h.tpl": "dirty", "apps/new.yaml": "new", "more.log": "ignored" });
    const packed = await packChanges(asking, root, "apps/web");
    expect(packed).toMatchObject({ base, path: "apps/web" });
    expect(await contents(packed!)).toEqual({
      "apps/web/a.yaml": "committed",
      "apps/web/templates/_h.tpl": "dirty",
      "apps/new.yaml": "new",
      "base/.wh.b.yaml": "",
    });
    git(root, "push", "--quiet", "origin", "topic");
    expect((await packChanges(asking, root))?.base).toBe(git(root, "rev-parse", "HEAD").trim());
  });

  test("cannot be told without a remote, or from below the root", async () => {
    expect(await packChanges(asking, root)).toBeUndefined();
    repository();
    expect(await packChanges(asking, root)).toBeUndefined();
    expect(await packChanges(asking, join(root, "apps"))).toBeUndefined();
  });
});
