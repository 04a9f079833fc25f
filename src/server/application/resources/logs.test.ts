import { describe, expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import { DriftlessError } from "#base/errors.ts";
import type { ResourceNode } from "#protocol/rest.ts";
import { sortable } from "./log-merge.ts";
import { lineFilter, podLogs, selectedPods, type LogQuery } from "./logs.ts";

const node = (kind: string, name: string, parent?: string, namespace = "web"): ResourceNode => ({
  version: "v1",
  kind,
  name,
  namespace,
  uid: `${kind} ${name}`,
  ...(kind === "Pod" ? {} : { group: "apps" }),
  ...(parent === undefined ? {} : { parentRefs: [{ version: "v1", kind: "", name: "", uid: parent }] }),
});

const nodes: readonly ResourceNode[] = [
  node("Deployment", "web"),
  node("ReplicaSet", "web-1", "Deployment web"),
  node("Pod", "web-1-a", "ReplicaSet web-1"),
  node("Pod", "web-1-b", "ReplicaSet web-1"),
  node("StatefulSet", "db"),
  node("Pod", "db-0", "StatefulSet db"),
  node("Pod", "alone", undefined, "other"),
  { ...node("Pod", "missing"), uid: "" },
];

describe("which pods are meant", () => {
  it.each<[LogQuery, readonly string[]]>([
    [{}, ["web-1-a", "web-1-b", "db-0", "alone"]],
    [{ podName: "db-0" }, ["db-0"]],
    [{ kind: "Deployment" }, ["web-1-a", "web-1-b"]],
    [{ kind: "Deployment", group: "apps", resourceName: "web", namespace: "web" }, ["web-1-a", "web-1-b"]],
    [{ kind: "Deployment", resourceName: "other" }, []],
    [{ group: "apps" }, ["web-1-a", "web-1-b", "db-0"]],
    [{ namespace: "other" }, ["alone"]],
    [{ podName: "web" }, []],
  ])("%j", (query, expected) => {
    expect(selectedPods(nodes, query).map(({ name }) => name)).toEqual(expected);
  });
});

describe("which lines are wanted", () => {
  it.each<[string, boolean, string, boolean]>([
    ["", false, "anything", true],
    ["error", false, "An Error", true],
    ["error", true, "An Error", false],
    ["Error", true, "An Error", true],
    ["!error", false, "An Error", false],
    ["!error", true, "An Error", true],
    ["!", false, "anything", false],
  ])("filter %j, match case %j: %j", (filter, matchCase, line, expected) => {
    expect(lineFilter(filter, matchCase)(line)).toBe(expected);
  });
});

describe("times as texts that compare", () => {
  it.each([
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000000"],
    ["2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.500000000"],
    ["2026-01-02T03:04:05.123456789+01:00", "2026-01-02T02:04:05.123456789"],
    ["yesterday", ""],
    ["", ""],
  ])("%s", (time, expected) => expect(sortable(time)).toBe(expected));
});

/** Logs by the pod's name: batches of lines, or what goes wrong; "wait" stays silent until the reader gives up. */
function world(logs: Readonly<Record<string, readonly (readonly string[] | Error | "wait")[]>>, maxPods = 10) {
  const clock = fakeClock();
  const paths: string[] = [];
  let open = 0;
  const stopped = new AbortController();
  async function* lines(op: { signal: AbortSignal }, path: string): AsyncGenerator<readonly string[]> {
    paths.push(path);
    open++;
    try {
      for (const each of logs[/pods\/([^/]+)/.exec(path)![1]!] ?? []) {
        // One of them answers later than the other.
        if (path.includes("web-1-b")) await new Promise((resolve) => setImmediate(resolve));
        if (each instanceof Error) throw each;
        if (each === "wait")
          await new Promise<void>((_resolve, reject) => op.signal.addEventListener("abort", () => reject(new Error())));
        else yield each;
      }
    } finally {
      open--;
    }
  }
  const start = (query: LogQuery) =>
    podLogs({ signal: stopped.signal, log: silentLogger }, { client: { lines }, clock, nodes, maxPods }, query);
  const all = async (query: LogQuery): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { podName, content, last } of start(query)) found.push(last ? "last" : `${podName}: ${content}`);
    return found;
  };
  return { clock, paths, start, all, open: () => open };
}

describe("logs of several pods", () => {
  const two = {
    "web-1-a": [["2026-01-01T00:00:01Z one", "2026-01-01T00:00:03.2Z three"], ["2026-01-01T00:00:05Z five"]],
    "web-1-b": [["2026-01-01T00:00:02Z two"], ["2026-01-01T00:00:03.1Z before three", "2026-01-01T00:00:04Z four"]],
  };
  const inOrder = [
    "web-1-a: one",
    "web-1-b: two",
    "web-1-b: before three",
    "web-1-a: three",
    "web-1-b: four",
    "web-1-a: five",
  ];

  it("come by their times, then the last entry", async () => {
    expect(await world(two).all({ kind: "Deployment" })).toEqual([...inOrder, "last"]);
  });

  it("end at a time", async () => {
    const { all, open } = world(two);
    expect(await all({ kind: "Deployment", untilTime: "2026-01-01T00:00:03.15Z" })).toEqual([
      ...inOrder.slice(0, 3),
      "last",
    ]);
    await expect.poll(open).toBe(0);
  });

  it("show why one of them has none, beside the others", async () => {
    const { all } = world({ ...two, "web-1-b": [new DriftlessError("KUBERNETES_REFUSED", "waiting to start")] });
    expect(await all({ kind: "Deployment" })).toEqual([
      "web-1-b: waiting to start",
      "web-1-a: one",
      "web-1-a: three",
      "web-1-a: five",
      "last",
    ]);
  });

  it("are not held up for long by one that is silent, and all end with the reader", async () => {
    const { start, clock, open } = world({ ...two, "web-1-b": ["wait"] });
    const entries = start({ kind: "Deployment", follow: true })[Symbol.asyncIterator]();
    const first = entries.next();
    await expect.poll(open).toBe(2);
    // Both have been read as far as they go, and the wait for the silent one has begun.
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(100);
    expect((await first).value.content).toBe("one");
    expect((await entries.next()).value.content).toBe("three");
    await entries.return?.();
    await expect.poll(open).toBe(0);
  });

  it("are asked for as the query says", async () => {
    const { all, paths } = world(two);
    await all({ podName: "db-0", container: "c", sinceSeconds: 5, tailLines: 7, previous: true });
    await all({ podName: "db-0", sinceSeconds: 0, sinceTime: "2026-01-01T00:00:00Z" });
    const base = "/api/v1/namespaces/web/pods/db-0/log?timestamps=true";
    expect(paths).toEqual([
      `${base}&container=c&previous=true&sinceSeconds=5&tailLines=7`,
      `${base}&sinceTime=2026-01-01T00%3A00%3A00Z`,
    ]);
  });

  it.each<[LogQuery, string]>([
    [{ untilTime: "noon" }, "untilTime is no time of RFC 3339"],
    [{ sinceTime: "noon" }, "sinceTime is no time of RFC 3339"],
    [{ tailLines: -1 }, "tailLines is negative"],
    [{}, "logs of 4 pods at once are more than 3"],
  ])("%j is refused at once", (query, message) => {
    expect(() => world({}, 3).start({ ...(message.startsWith("logs") ? {} : { podName: "db-0" }), ...query })).toThrow(
      message,
    );
  });
});
