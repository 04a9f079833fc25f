// Repositories of which not everything is fetched: files left out, history cut off, limits, Git LFS.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitRepositories } from "./repository.ts";
import type { GitServer } from "./server.ts";
import { createGitWorld, testClock, type GitWorld } from "./testing.ts";
import type { RepositoryAccess } from "./types.ts";

let world: GitWorld;
let server: GitServer;
let count = 0;

beforeAll(async () => {
  world = await createGitWorld();
  server = await world.serve();
});
afterAll(() => world.close());

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

async function repo(): Promise<{ dir: string; url: string; name: string }> {
  const name = `p${count++}`;
  const { dir } = await world.repository(name);
  return { dir, url: server.repositoryUrl(name), name };
}

const read = async (access: RepositoryAccess, sha: string, path: string): Promise<string> => {
  const repository = world.repositories.open(access);
  await repository.resolve(world.op, sha);
  const entry = await repository.entry(world.op, sha, path);
  return text(await repository.blob(world.op, entry?.oid ?? ""));
};

describe("a partial clone", () => {
  it("of a big repository fetches what is read, and little beside", async () => {
    const { dir, url } = await repo();
    // 32 MiB that cannot be packed smaller, in large files and in many small ones.
    const big = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`media/${i}.bin`, randomBytes(1 << 20)]));
    const small = Object.fromEntries(
      Array.from({ length: 2000 }, (_, i) => [`data/${i % 50}/${i}.dat`, randomBytes(8 << 10)]),
    );
    const apps = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`apps/${i}/c.yaml`, `# ${randomBytes(1000).toString("base64")}\n`]),
    );
    await world.commit(dir, { ...big, ...small });
    const sha = await world.commit(dir, apps);
    const before = server.sentBytes;
    await read({ url, files: "none" }, sha, "apps/7/c.yaml");
    const sent = server.sentBytes - before;
    expect(sent).toBeLessThan(400 << 10);
    // The default leaves out what is large only.
    const other = world.reopen();
    const again = other.open({ url: `${url}/` });
    const entry = await again.entry(world.op, (await again.resolve(world.op, "main")).sha, "apps/7/c.yaml");
    await again.blob(world.op, entry?.oid ?? "");
    expect(server.sentBytes - before - sent).toBeLessThan(20 << 20);
  });

  it("fetches the files of one folder together, and follows pushes", async () => {
    const { dir, url } = await repo();
    const names = ["kustomization.yaml", "a.yaml", "b.yaml", "values.yml"];
    const sha = await world.commit(dir, Object.fromEntries(names.map((name) => [`app/${name}`, `# ${name}\n`])));
    const access = { url, files: "none" };
    const repository = world.repositories.open(access);
    await repository.refresh(world.op);
    expect(await read(access, sha, "app/kustomization.yaml")).toBe("# kustomization.yaml\n");
    const sent = server.sentBytes;
    for (const name of names) expect(await read(access, sha, `app/${name}`)).toBe(`# ${name}\n`);
    expect(server.sentBytes).toBe(sent);

    for (let i = 0; i < 5; i++) {
      const next = await world.commit(dir, { "app/a.yaml": `# ${i}\n`, [`app/new${i}.yaml`]: `# new ${i}\n` });
      await repository.refresh(world.op);
      expect((await repository.resolve(world.op, "main")).sha).toBe(next);
      expect(await read(access, next, "app/a.yaml")).toBe(`# ${i}\n`);
      expect(await repository.changedPaths(world.op, sha, next)).toContain("app/a.yaml");
    }
    // A rewritten and a deleted branch go through git itself.
    const rewritten = await world.commit(dir, { "app/a.yaml": "# rewritten\n" }, { parent: sha });
    await world.commit(dir, { "x.yaml": "x\n" }, { branch: "going" });
    await repository.refresh(world.op);
    await world.remove(dir, "refs/heads/going");
    await repository.refresh(world.op);
    expect(await read(access, rewritten, "app/a.yaml")).toBe("# rewritten\n");
    await expect(repository.resolve(world.op, "going")).rejects.toMatchObject({ code: "REVISION_NOT_FOUND" });
  });

  it("survives a restart, and a server that is gone says so for what is not here", async () => {
    const { dir, url } = await repo();
    const sha = await world.commit(dir, { "a/a.yaml": "# a\n", "b/b.yaml": "# b\n" });
    const own = await world.serve();
    const access = { url: own.repositoryUrl(url.split("/").at(-1)?.replace(".git", "") ?? ""), files: "none" };
    expect(await read(access, sha, "a/a.yaml")).toBe("# a\n");
    await own.close();
    expect(await read(access, sha, "a/a.yaml")).toBe("# a\n");
    await expect(read(access, sha, "b/b.yaml")).rejects.toMatchObject({ code: "REPOSITORY_UNREACHABLE" });
  });

  it("of a depth has only so much history, and follows on", async () => {
    const { dir, url } = await repo();
    const shas: string[] = [];
    for (let i = 0; i < 5; i++) shas.push(await world.commit(dir, { "a.yaml": `# ${i}\n` }));
    const access = { url, depth: 1 };
    const repository = world.repositories.open(access);
    expect((await repository.resolve(world.op, "main")).sha).toBe(shas[4]);
    expect(await repository.object(world.op, shas[3] ?? "")).toBeUndefined();
    const next = await world.commit(dir, { "a.yaml": "# next\n" });
    await repository.refresh(world.op);
    expect(await read(access, next, "a.yaml")).toBe("# next\n");
    expect(await repository.changedPaths(world.op, shas[4] ?? "", next)).toEqual(["a.yaml"]);
    // An older commit can still be asked for by its id.
    expect((await repository.resolve(world.op, shas[1] ?? "")).sha).toBe(shas[1]);
    expect(await read(access, shas[1] ?? "", "a.yaml")).toBe("# 1\n");
  });
});

describe("limits", () => {
  it("end a fetch that brings too much, and say what to do", async () => {
    const { dir, url } = await repo();
    await world.commit(
      dir,
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}.bin`, randomBytes(1 << 20)])),
    );
    const repositories = createGitRepositories({
      dir: join(world.dir, "limited"),
      clock: testClock,
      env: { PATH: process.env["PATH"] ?? "" },
      maxFetchBytes: 1 << 20,
    });
    // The limit is looked at twice a second: a slow server is what it is for.
    const slow = await world.serve({ slowBytesPerSecond: 4 << 20 });
    const repository = repositories.open({
      url: slow.repositoryUrl(url.split("/").at(-1)?.replace(".git", "") ?? ""),
      files: "all",
    });
    await expect(repository.refresh(world.op)).rejects.toMatchObject({
      code: "TOO_LARGE",
      message: expect.stringContaining("depth"),
    });
    await repositories.close();
  });

  it("end a talk with a server that says nothing", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const repositories = createGitRepositories({
      dir: join(world.dir, "silent"),
      clock: testClock,
      env: { PATH: process.env["PATH"] ?? "" },
      timeoutMs: 500,
    });
    const repository = repositories.open({ url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/x.git` });
    await expect(repository.refresh(world.op)).rejects.toMatchObject({
      code: "REPOSITORY_UNREACHABLE",
      message: expect.stringContaining("no answer within 0.5 s"),
    });
    await repositories.close();
    silent.close();
  });
});

describe("Git LFS", () => {
  const pointer = (bytes: Buffer): string =>
    `version https://git-lfs.github.com/spec/v1\noid sha256:${createHash("sha256").update(bytes).digest("hex")}\nsize ${bytes.length}\n`;

  async function withContent(content: Buffer, served = content): Promise<{ url: string; sha: string; name: string }> {
    const { dir, url, name } = await repo();
    const sha = await world.commit(dir, { "a.yaml": pointer(content) });
    await mkdir(join(dir, "lfs"), { recursive: true });
    await writeFile(join(dir, "lfs", createHash("sha256").update(content).digest("hex")), served);
    return { url, sha, name };
  }

  it("gives what pointers stand for where it is switched on, once fetched without asking again", async () => {
    const { url, sha } = await withContent(Buffer.from("kind: ConfigMap\n"));
    expect(await read({ url }, sha, "a.yaml")).toMatch(/^version https/);
    expect(await read({ url, lfs: true }, sha, "a.yaml")).toBe("kind: ConfigMap\n");
    expect(await read({ url: url.replace(/\.git$/, ""), lfs: true }, sha, "a.yaml")).toBe("kind: ConfigMap\n");
  });

  it("logs in, and tells what is refused, missing, changed or too large", async () => {
    const { sha, name } = await withContent(Buffer.from("secret\n"));
    const closed = await world.serve({ readLogin: { username: "ada", password: "pass" } });
    const url = closed.repositoryUrl(name);
    expect(await read({ url, username: "ada", password: "pass", lfs: true }, sha, "a.yaml")).toBe("secret\n");
    const repository = world.repositories.open({ url, username: "ada", password: "pass", lfs: true });
    const entry = await repository.entry(world.op, sha, "a.yaml");
    await expect(repository.blob(world.op, entry?.oid ?? "", { maxBytes: 3 })).rejects.toMatchObject({
      code: "TOO_LARGE",
    });

    const changed = await withContent(Buffer.from("right\n"), Buffer.from("wrong\n"));
    await expect(read({ url: changed.url, lfs: true }, changed.sha, "a.yaml")).rejects.toMatchObject({
      code: "REPOSITORY_UNREACHABLE",
      message: expect.stringContaining("another content"),
    });
    const { dir, url: empty } = await repo();
    const missing = await world.commit(dir, { "a.yaml": pointer(Buffer.from("x")) });
    await expect(read({ url: empty, lfs: true }, missing, "a.yaml")).rejects.toMatchObject({
      message: expect.stringContaining("the server does not have it"),
    });
    await expect(read({ url: `file://${dir}`, lfs: true }, missing, "a.yaml")).rejects.toMatchObject({
      message: expect.stringContaining("over http, https and ssh only"),
    });
  });
});
