// Following an application across lost connections and deletions that no event tells of.
import { describe, expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { createApi } from "./api.ts";
import type { Http } from "./http.ts";

const op: Operation = { signal: new AbortController().signal, log: silentLogger };
const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after: (delayMs, callback) => {
    // Long waits are those for a stream that never opens, short ones those between two tries.
    if (delayMs < 500) queueMicrotask(callback);
    else setImmediate(callback);
    return () => {};
  },
};
const app = (uid: string, resourceVersion: string): object => ({ metadata: { name: "web", uid, resourceVersion } });
const gone = new DriftlessError("NOT_FOUND", "not found");
const cut = new DriftlessError("SERVER_UNREACHABLE", "cut");

/** A server whose answers to reads and streams are written down; an error ends a stream, `never` leaves it unopened. */
function server(
  reads: readonly (object | Error)[],
  streams: readonly (readonly (object | Error)[] | "never" | "silent")[],
): Http & { calls: string[] } {
  const calls: string[] = [];
  let [read, stream] = [0, 0];
  return {
    url: "http://server",
    calls,
    send() {
      calls.push("get");
      const answer = reads[Math.min(read++, reads.length - 1)]!;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    open() {
      calls.push("open");
      const items = streams[Math.min(stream++, streams.length - 1)]!;
      if (items === "never") return new Promise(() => {});
      return Promise.resolve(
        (async function* () {
          if (items === "silent") await new Promise(() => {});
          for (const item of items as readonly (object | Error)[]) {
            if (item instanceof Error) throw item;
            yield await Promise.resolve({ result: item });
          }
        })(),
      );
    },
  };
}

async function events(http: Http): Promise<string[]> {
  const seen: string[] = [];
  for await (const { type, application } of createApi(http, clock).applications.follow(op, { name: "web" }))
    seen.push(`${type} ${application.metadata.uid}@${application.metadata.resourceVersion}`);
  return seen;
}

describe("an application is followed", () => {
  test("until it is deleted; the stream is open before it is read", async () => {
    const http = server(
      [app("a", "1")],
      [
        [
          { type: "MODIFIED", application: app("a", "2") },
          { type: "DELETED", application: app("a", "3") },
        ],
      ],
    );
    expect(await events(http)).toEqual(["MODIFIED a@1", "MODIFIED a@2", "DELETED a@3"]);
    expect(http.calls).toEqual(["open", "get"]);
  });

  test("across a cut connection", async () => {
    const http = server([app("a", "1"), app("a", "4")], [[cut], [{ type: "DELETED", application: app("a", "5") }]]);
    expect(await events(http)).toEqual(["MODIFIED a@1", "MODIFIED a@4", "DELETED a@5"]);
  });

  test("to its deletion while the connection was cut", async () => {
    expect(await events(server([app("a", "1"), gone], [[]]))).toEqual(["MODIFIED a@1", "DELETED a@1"]);
  });

  test("to its deletion where another of that name was made meanwhile", async () => {
    expect(await events(server([app("a", "1"), app("b", "7")], [[]]))).toEqual(["MODIFIED a@1", "DELETED a@1"]);
  });

  test("by reading again, where no event comes", async () => {
    const http = server([app("a", "1"), app("a", "1"), gone], ["silent"]);
    const seen: string[] = [];
    for await (const { type } of createApi(http, clock).applications.follow(op, { name: "web" }, { everyMs: 10 }))
      seen.push(type);
    expect(seen).toEqual(["MODIFIED", "MODIFIED", "DELETED"]);
  });

  test("not at all where there is none", async () => {
    await expect(events(server([gone], ["never"]))).rejects.toThrow("not found");
  });

  test("not where the server never answers", async () => {
    await expect(events(server([cut], [[]]))).rejects.toThrow("cut");
  });
});
