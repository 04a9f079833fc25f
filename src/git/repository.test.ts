import { writeFile, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { createGitRepositories } from "./repository.ts";
import { createGitWorld, testClock, type GitWorld } from "./testing.ts";

let world: GitWorld;
beforeAll(async () => {
  world = await createGitWorld();
});
afterAll(() => world.close());

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "no error";
  } catch (error) {
    return error instanceof DriftlessError ? `${error.code}: ${error.message}` : String(error);
  }
};

describe("revisions", () => {
  it("finds branches, tags, SHAs, HEAD, refs and semver ranges", async () => {
    const { dir, url } = await world.repository("revisions");
    const { op } = world;
    const one = await world.commit(dir, { a: "1" });
    const two = await world.commit(dir, { a: "2" });
    const side = await world.commit(dir, { b: "1" }, { branch: "feature/x", parent: one });
    await world.tag(dir, "v1.0.0", one);
    await world.tag(dir, "v1.2.0", side, "annotated");
    await world.tag(dir, "1.3.0-rc.1", two);
    await world.tag(dir, "v2.0.0", two);
    const repository = world.repositories.open({ url });
    const table: [string, string][] = [
      ["main", two],
      ["", two],
      ["HEAD", two],
      ["refs/heads/main", two],
      ["feature/x", side],
      ["v1.0.0", one],
      ["v1.2.0", side],
      ["refs/tags/v1.2.0", side],
      ["v1.*", side],
      ["1.x", side],
      ["~1.0", one],
      ["^1.0.0", side],
      [">=1.0.0 <2", side],
      [">=1.0.0, <2", side],
      [">=1.2.1-0 <2.0.0-0", two],
      ["*", two],
      [one, one],
      [one.toUpperCase(), one],
      [one.slice(0, 8), one],
    ];
    for (const [revision, sha] of table)
      expect([revision, (await repository.resolve(op, revision)).sha]).toEqual([revision, sha]);
    expect(await repository.resolve(op, "main")).toEqual({ sha: two, ref: "refs/heads/main" });
    expect(await repository.refs(op)).toEqual({
      branches: ["feature/x", "main"],
      tags: ["1.3.0-rc.1", "v1.0.0", "v1.2.0", "v2.0.0"],
    });
    expect((await repository.metadata(op, side)).tags).toEqual(["v1.2.0"]);
    for (const revision of [
      "nope",
      "v9.*",
      "0123456789",
      "f".repeat(40),
      "main; rm",
      "--upload-pack=x",
      "refs/pull/1/head",
    ]) {
      expect(await codeOf(repository.resolve(op, revision))).toMatch(
        new RegExp(`REVISION_NOT_FOUND: revision .*not found in repository ${url}`),
      );
    }
  });

  it("follows a forced push, a deleted branch and a deleted tag", async () => {
    const { dir, url } = await world.repository("forced");
    const { op } = world;
    const one = await world.commit(dir, { a: "1" });
    await world.commit(dir, { a: "1" }, { branch: "old" });
    await world.tag(dir, "v1", one);
    const repository = world.repositories.open({ url });
    expect((await repository.resolve(op, "main")).sha).toBe(one);
    const rewritten = await world.commit(dir, { a: "other" }, { parent: null, message: "rewritten" });
    await world.remove(dir, "refs/heads/old");
    await world.remove(dir, "refs/tags/v1");
    const seen: string[] = [];
    const stop = repository.onChange(({ changed }) => seen.push(...changed.map(({ ref }) => ref)));
    const { changed } = await repository.refresh(op);
    stop();
    expect(changed).toContainEqual({ ref: "refs/heads/main", before: one, after: rewritten });
    expect(seen.sort()).toEqual(["refs/heads/main", "refs/heads/old", "refs/tags/v1"]);
    expect((await repository.resolve(op, "main")).sha).toBe(rewritten);
    expect(await codeOf(repository.resolve(op, "old"))).toContain("REVISION_NOT_FOUND");
    expect((await repository.resolve(op, one)).sha).toBe(one);
    expect((await repository.refresh(op)).changed).toEqual([]);
  });

  it("reads an empty repository, and its first branch later", async () => {
    const { dir, url } = await world.repository("empty");
    const repository = world.repositories.open({ url });
    expect(await codeOf(repository.resolve(world.op, "HEAD"))).toContain("REVISION_NOT_FOUND");
    const sha = await world.commit(dir, { a: "1" });
    await repository.refresh(world.op);
    expect((await repository.resolve(world.op, "HEAD")).sha).toBe(sha);
  });

  it("fetches a ref outside of branches and tags when it is asked for", async () => {
    const { dir, url } = await world.repository("pulls");
    await world.commit(dir, { a: "1" });
    const sha = await world.commit(dir, { a: "2" }, { branch: "tmp" });
    const { runGit } = await import("./process.ts");
    await runGit(world.op, world.program, {
      args: ["--git-dir", dir, "update-ref", "refs/pull/1/head", sha],
      timeoutMs: 5000,
    });
    await world.remove(dir, "refs/heads/tmp");
    const repository = world.repositories.open({ url });
    expect(await repository.resolve(world.op, "refs/pull/1/head")).toEqual({ sha, ref: "refs/pull/1/head" });
  });
});

describe("objects", () => {
  it("lists trees, reads blobs and compares commits without a working copy", async () => {
    const { dir, url } = await world.repository("objects");
    const { op } = world;
    const before = await world.commit(dir, {
      "a/x.yaml": "x",
      "a/deep/er/y.yaml": "y",
      "b.txt": "b",
      link: { symlink: "b.txt" },
      "ü/ñ.yaml": "n",
    });
    const after = await world.commit(dir, {
      "a/x.yaml": "x2",
      "a/deep": null,
      "c/new.yaml": "c",
      "b.txt": null,
      "b.txt/now/folder": "f",
    });
    const repository = world.repositories.open({ url });
    await repository.resolve(op, "main");
    const tree = await repository.tree(op, before, ".");
    expect(tree.map(({ path, type }) => `${type} ${path}`).sort()).toEqual([
      "blob a/deep/er/y.yaml",
      "blob a/x.yaml",
      "blob b.txt",
      "blob ü/ñ.yaml",
      "symlink link",
    ]);
    expect((await repository.tree(op, before, "./a/deep/")).map(({ path }) => path)).toEqual(["a/deep/er/y.yaml"]);
    const x = await repository.entry(op, before, "a/x.yaml");
    expect(Buffer.from(await repository.blob(op, x?.oid ?? "")).toString()).toBe("x");
    expect([...(await repository.changedPaths(op, before, after))].sort()).toEqual([
      "a/deep/er/y.yaml",
      "a/x.yaml",
      "b.txt",
      "b.txt/now/folder",
      "c/new.yaml",
    ]);
    expect(await repository.changedPaths(op, after, after)).toEqual([]);
    expect(await codeOf(repository.tree(op, before, "nope"))).toContain("PATH_NOT_FOUND");
    expect(await codeOf(repository.tree(op, before, "../.."))).toContain("PATH_NOT_FOUND");
    expect(await repository.metadata(op, before)).toEqual({
      author: "Driftless <driftless@localhost>",
      date: expect.stringMatching(/^2026-01-01T/) as unknown,
      message: "change",
      tags: [],
    });
  });

  it("refuses a blob beyond the limit and goes on reading others", async () => {
    const { dir, url } = await world.repository("large");
    const sha = await world.commit(dir, { big: "x".repeat(3_000_000), small: "s", small2: "t" });
    const repository = world.repositories.open({ url });
    await repository.resolve(world.op, "main");
    const oid = async (path: string): Promise<string> => (await repository.entry(world.op, sha, path))?.oid ?? "";
    const [big, small, other] = [await oid("big"), await oid("small"), await oid("small2")];
    const [a, b, c] = await Promise.allSettled([
      repository.blob(world.op, big, { maxBytes: 1000 }),
      repository.blob(world.op, small),
      repository.blob(world.op, other),
    ]);
    expect([a.status, b.status, c.status]).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect((await repository.blob(world.op, big)).length).toBe(3_000_000);
  });
});

describe("what can go wrong", () => {
  it("says why a repository cannot be reached, without its password", async () => {
    const table: [string, RegExp][] = [
      [`file://${world.dir}/nowhere.git`, /no such repository/],
      [
        "http://someone:hunter22@127.0.0.1:1/x.git",
        /REPOSITORY_UNREACHABLE: repository http:\/\/127\.0\.0\.1:1\/x\.git: .*(refused|connect)/i,
      ],
      ["ext::sh -c touch% /tmp/pwned", /SPEC_INVALID/],
      ["--upload-pack=touch", /SPEC_INVALID/],
      ["ssh://-oProxyCommand=x/y", /SPEC_INVALID/],
      ["ftp://host/x", /SPEC_INVALID/],
      ["", /SPEC_INVALID/],
    ];
    for (const [url, expected] of table) {
      const message = await codeOf((async () => world.repositories.open({ url }).resolve(world.op, "main"))());
      expect(message).toMatch(expected);
      expect(message).not.toContain("hunter22");
    }
  });

  it("says that git is missing", async () => {
    const repositories = createGitRepositories({
      dir: join(world.dir, "none"),
      clock: testClock,
      git: "git-that-is-not-there",
    });
    expect(await codeOf(repositories.open({ url: `file://${world.dir}/x` }).resolve(world.op, "main"))).toContain(
      "GIT_MISSING",
    );
    await repositories.close();
  });

  it("ends when the caller gives up, while another caller still gets an answer", async () => {
    const { dir, url } = await world.repository("abort");
    const sha = await world.commit(dir, { a: "1" });
    const repository = world.repositories.open({ url });
    const abort = new AbortController();
    const first = codeOf(repository.resolve({ ...world.op, signal: abort.signal }, "main"));
    const second = repository.resolve(world.op, "main");
    abort.abort();
    expect(await first).toContain("CANCELLED");
    expect((await second).sha).toBe(sha);
  });

  it("goes on after a restart, with locks of a killed process in the way, and over a damaged mirror", async () => {
    const { dir, url } = await world.repository("restart");
    await world.commit(dir, { a: "1" });
    await world.repositories.open({ url }).resolve(world.op, "main");
    const mirrors = join(world.dir, "git", "mirrors");
    const named = (
      await Promise.all(
        (await readdir(mirrors)).map(async (name) => ({
          name,
          at: (await import("node:fs/promises")).stat(join(mirrors, name)),
        })),
      )
    ).map(({ name }) => name);
    const two = await world.commit(dir, { a: "2" });
    for (const name of named) await writeFile(join(mirrors, name, "packed-refs.lock"), "").catch(() => {});
    for (const name of named) await writeFile(join(mirrors, name, "refs", "heads", "main.lock"), "").catch(() => {});
    expect((await world.reopen().open({ url }).resolve(world.op, "main")).sha).toBe(two);
    const three = await world.commit(dir, { a: "3" });
    for (const name of named)
      await writeFile(join(mirrors, name, "refs", "heads", "main"), "garbage\n").catch(() => {});
    expect((await world.reopen().open({ url }).resolve(world.op, "main")).sha).toBe(three);
  });
});

describe("over HTTP", () => {
  it("fetches what a push brought, tells of the push, and asks for the password where there is one", async () => {
    const pushed: unknown[] = [];
    const login = { username: "me", password: "s3cret-pass" };
    const server = await world.serve({ readLogin: login, onPush: (name, updates) => pushed.push({ name, updates }) });
    const dir = await server.create(world.op, "web");
    const one = await world.commit(dir, { a: "1" });
    const url = server.repositoryUrl("web");
    expect(await codeOf(world.repositories.open({ url }).resolve(world.op, "main"))).toMatch(
      /REPOSITORY_UNREACHABLE: .*credentials were not accepted/,
    );
    const wrong = await codeOf(
      world.repositories.open({ url, username: "me", password: "wrong-pass" }).resolve(world.op, "main"),
    );
    expect(wrong).toMatch(/credentials were not accepted/);
    expect(wrong).not.toContain("wrong-pass");
    const repository = world.repositories.open({ url, ...login });
    expect((await repository.resolve(world.op, "main")).sha).toBe(one);
    // No secret is left on disk.
    for (const name of await readdir(join(world.dir, "git"), { recursive: true })) {
      const text = await readFile(join(world.dir, "git", name), "latin1").catch(() => "");
      expect(text.includes(login.password) || text.includes(Buffer.from("me:s3cret-pass").toString("base64"))).toBe(
        false,
      );
    }
    const { runGit } = await import("./process.ts");
    const two = await world.commit((await world.repository("pusher")).dir, { a: "2" });
    const push = await runGit(world.op, world.program, {
      args: [
        "--git-dir",
        join(world.dir, "served", "pusher.git"),
        "push",
        "--force",
        url.replace("http://", `http://me:${login.password}@`),
        "main:main",
        "main:refs/heads/other",
      ],
      timeoutMs: 20_000,
    });
    expect([push.code, push.stderr]).toEqual([0, expect.anything()]);
    expect(pushed).toEqual([
      {
        name: "web",
        updates: [
          { ref: "refs/heads/main", before: one, after: two },
          { ref: "refs/heads/other", after: two },
        ],
      },
    ]);
    const change = await repository.refresh(world.op, { pushed: [{ ref: "refs/heads/main", after: two }] });
    expect(change.changed).toEqual([{ ref: "refs/heads/main", before: one, after: two }]);
    expect(await repository.refresh(world.op, { pushed: [{ ref: "refs/heads/main", after: two }] })).toEqual({
      changed: [],
    });
    await repository.refresh(world.op, { pushed: [{ ref: "refs/heads/gone" }] });
    expect((await repository.refs(world.op)).branches).toEqual(["main", "other"]);
  });

  it("refuses paths that leave the root, and names that are none", async () => {
    const server = await world.serve();
    for (const path of [
      "/../x/info/refs?service=git-upload-pack",
      "/%2e%2e/x/info/refs?service=git-upload-pack",
      "/x//y/info/refs?service=git-upload-pack",
      "/.git/info/refs?service=git-upload-pack",
      "/web/objects/info/packs",
      "/web/info/refs",
    ]) {
      const answer = await fetch(`${server.url}${path}`);
      expect([path, answer.status >= 400]).toEqual([path, true]);
    }
  });
});
