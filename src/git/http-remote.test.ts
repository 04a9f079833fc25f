import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttpRemote, packets, readPack, readRefs } from "./http-remote.ts";
import { createGitWorld, type GitWorld } from "./testing.ts";

let world: GitWorld;
beforeAll(async () => {
  world = await createGitWorld();
});
afterAll(() => world.close());

describe("talking to a Git server without git", () => {
  it("gets refs, the default branch, and the objects of one push alone", async () => {
    const login = { username: "me", password: "secret-word" };
    const server = await world.serve({ readLogin: login });
    const dir = await server.create(world.op, "direct");
    const one = await world.commit(dir, { "a.yaml": "1", "b.yaml": "2" });
    const two = await world.commit(dir, { "a.yaml": "changed" });
    await world.tag(dir, "v1", one, "annotated");
    const remote = createHttpRemote({ url: server.repositoryUrl("direct"), ...login }, { timeoutMs: 10_000 });
    const answer = await remote?.refs(world.op, ["HEAD", "refs/heads/", "refs/tags/"]);
    expect(answer?.head).toBe("refs/heads/main");
    expect([...(answer?.refs.keys() ?? [])].sort()).toEqual(["refs/heads/main", "refs/tags/v1"]);
    expect(answer?.refs.get("refs/heads/main")).toBe(two);
    const pack = await remote?.pack(world.op, { wants: [two], haves: [one] });
    expect(pack?.readUInt32BE(8)).toBe(3); // commit, tree, blob
    expect(await remote?.pack(world.op, { wants: ["f".repeat(40)], haves: [one] })).toBeUndefined();
    await remote?.close();
    const stranger = createHttpRemote(
      { url: server.repositoryUrl("direct"), username: "me", password: "wrong" },
      { timeoutMs: 10_000 },
    );
    expect(await stranger?.refs(world.op, ["HEAD"])).toBeUndefined();
    await stranger?.close();
  });

  it("moves a branch without a git process that talks to the server", async () => {
    const asked: string[] = [];
    const server = await world.serve();
    const dir = await server.create(world.op, "counted");
    await world.commit(dir, { a: "1" });
    // Stands between, and notes who asks: git names itself git/VERSION.
    const between = createServer((incoming, outgoing) => {
      asked.push(incoming.headers["user-agent"]?.includes("driftless") === true ? "direct" : "git");
      void (async () => {
        const parts: Buffer[] = [];
        for await (const part of incoming as AsyncIterable<Buffer>) parts.push(part);
        const headers = Object.fromEntries(
          Object.entries(incoming.headers).filter(
            ([name]) => !["host", "connection", "content-length", "transfer-encoding"].includes(name),
          ),
        ) as Record<string, string>;
        const answer = await fetch(server.url + (incoming.url ?? ""), {
          method: incoming.method ?? "GET",
          headers,
          ...(parts.length > 0 ? { body: Buffer.concat(parts) } : {}),
        });
        outgoing
          .writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" })
          .end(Buffer.from(await answer.arrayBuffer()));
      })();
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(between.address() as AddressInfo).port}/counted.git`;
    const repository = world.repositories.open({ url });
    await repository.resolve(world.op, "main");
    for (const how of [{ pushed: [{ ref: "refs/heads/main" }] }, {}]) {
      const before = (await repository.resolve(world.op, "main")).sha;
      const after = await world.commit(dir, { a: JSON.stringify(how), [`f${asked.length}`]: "new" });
      asked.length = 0;
      expect((await repository.refresh(world.op, how)).changed).toEqual([{ ref: "refs/heads/main", before, after }]);
      expect(asked).toEqual(["direct", "direct"]);
      expect((await repository.changedPaths(world.op, before, after)).length).toBe(2);
    }
    asked.length = 0;
    // Opened again with the same access, it knows the server still.
    expect(world.repositories.open({ url })).toBe(repository);
    await repository.refresh(world.op);
    expect(asked).toEqual(["direct"]);
    // What it is told of a commit is not believed.
    expect(await repository.refresh(world.op, { pushed: [{ ref: "refs/heads/main", after: "e".repeat(40) }] })).toEqual(
      { changed: [] },
    );
    between.closeAllConnections();
    between.close();
  });

  it("leaves answers that are not version 2 to git", () => {
    const refuse = (work: () => unknown) => expect(work).toThrow(/./);
    refuse(() => [...packets(Buffer.from("zzzz"))]);
    refuse(() => [...packets(Buffer.from("00ffshort"))]);
    refuse(() => readRefs(Buffer.from("000eERR no way")));
    refuse(() => readPack(Buffer.from("0000")));
    expect(createHttpRemote({ url: "git@host:x" }, { timeoutMs: 1 })).toBeUndefined();
    expect(createHttpRemote({ url: "https://host/x", proxy: "http://proxy" }, { timeoutMs: 1 })).toBeUndefined();
  });
});
