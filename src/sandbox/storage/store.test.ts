import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { HistoryLimits } from "./history.ts";
import { Store } from "./store.ts";

const resource = "/configmaps";
let dir = "";

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "store-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function open(options: { history?: HistoryLimits; compactAfterBytes?: number } = {}): Store {
  return new Store({ dir, log: silentLogger, now: () => 0, ...options });
}

function configMap(name: string, data = "", namespace = "default"): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, uid: `uid-${name}` },
    data: { value: data },
  };
}

const names = (objects: readonly KubernetesObject[] | undefined) => objects?.map(({ metadata }) => metadata.name);

function logFile(): string {
  return join(dir, readdirSync(dir).findLast((name) => name.startsWith("log-")) ?? "");
}

describe("what is stored", () => {
  it("gives every change the next resourceVersion, across resources", () => {
    const store = open();
    expect(store.put(resource, configMap("a")).metadata.resourceVersion).toBe("1");
    expect(store.put("/secrets", configMap("a")).metadata.resourceVersion).toBe("2");
    expect(store.delete(resource, configMap("a"))?.metadata.resourceVersion).toBe("3");
    expect(store.rv).toBe(3);
  });

  it("lists in the order of keys, across namespaces too", () => {
    const store = open();
    for (const [namespace, name] of [
      ["b", "a"],
      ["a-b", "z"],
      ["a", "b"],
      ["a", "a"],
    ] as const) {
      store.put(resource, configMap(name, "", namespace));
    }
    const keys = () => store.list(resource).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    expect(keys()).toEqual(["a-b/z", "a/a", "a/b", "b/a"]);
    store.put(resource, configMap("aa", "", "a"));
    store.delete(resource, configMap("b", "", "a"));
    expect(keys()).toEqual(["a-b/z", "a/a", "a/aa", "b/a"]);
  });

  it("knows objects by uid and by owner, and forgets them when they go or change hands", () => {
    const store = open();
    const owned = (owner: string): KubernetesObject => ({
      ...configMap("child"),
      metadata: {
        ...configMap("child").metadata,
        ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: owner, uid: owner }],
      },
    });
    store.put(resource, owned("one"));
    expect(names(store.dependents("one"))).toEqual(["child"]);
    store.put(resource, owned("two"));
    expect([names(store.dependents("one")), names(store.dependents("two"))]).toEqual([[], ["child"]]);
    store.delete(resource, owned("two"));
    expect([store.dependents("two"), store.byUid("uid-child")]).toEqual([[], undefined]);
  });
});

describe("recovery", () => {
  it("has all that was written, with history to go on from", async () => {
    const first = open();
    first.put(resource, configMap("a", "1"));
    first.put(resource, configMap("a", "2"));
    first.put(resource, configMap("b"));
    first.delete(resource, configMap("b"));
    await first.close();
    const second = open();
    expect([names(second.list(resource)), second.rv]).toEqual([["a"], 4]);
    expect(second.eventsAfter(resource, 1)?.map(({ type, rv }) => `${type} ${rv}`)).toEqual([
      "MODIFIED 2",
      "ADDED 3",
      "DELETED 4",
    ]);
    expect(second.put(resource, configMap("c")).metadata.resourceVersion).toBe("5");
    await second.close();
  });

  it("reads a snapshot and what was written after it began", async () => {
    const first = open();
    for (let i = 0; i < 100; i++) first.put(resource, configMap(`a${i}`));
    const done = first.snapshot();
    first.put(resource, configMap("late"));
    first.delete(resource, configMap("a0"));
    await done;
    await first.close();
    expect(readdirSync(dir).toSorted()).toEqual(["log-00000001", "snapshot-00000001"]);
    const second = open();
    expect([second.count(resource), second.rv]).toEqual([100, 102]);
    expect(second.get(resource, "default", "a0")).toBeUndefined();
    expect(second.eventsAfter(resource, 99)).toBeUndefined();
    expect(second.eventsAfter(resource, 100)).toHaveLength(2);
    await second.close();
  });

  it("writes snapshots by itself once the log has grown, and drops what they replace", async () => {
    const store = open({ compactAfterBytes: 10_000 });
    for (let i = 0; i < 300; i++) {
      store.put(resource, configMap(`a${i % 5}`, "x".repeat(200)));
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await store.close();
    expect(readdirSync(dir).filter((name) => name.startsWith("snapshot-"))).toHaveLength(1);
    const again = open();
    expect([again.count(resource), again.rv]).toEqual([5, 300]);
    await again.close();
  });

  it("ignores a snapshot that was not finished", async () => {
    const first = open();
    first.put(resource, configMap("a"));
    await first.close();
    writeFileSync(join(dir, "snapshot-00000001.tmp"), "half");
    const second = open();
    expect(names(second.list(resource))).toEqual(["a"]);
    await second.close();
  });

  const tears: readonly (readonly [string, (file: string, size: number) => void])[] = [
    ["a length without its record", (file) => appendFileSync(file, Buffer.from([200, 0, 0, 0, 1, 2, 3, 4]))],
    ["half a header", (file) => appendFileSync(file, Buffer.from([9, 0]))],
    ["a last record cut short", (file, size) => truncateSync(file, size - 7)],
    [
      "a last record with a wrong checksum",
      (file, size) => {
        const bytes = readFileSync(file);
        bytes[size - 2] = 0;
        writeFileSync(file, bytes);
      },
    ],
  ];
  it.each(tears)("cuts %s off the log and writes on", async (what, tear) => {
    const first = open();
    first.put(resource, configMap("kept"));
    first.put(resource, configMap("last"));
    await first.close();
    const file = logFile();
    tear(file, readFileSync(file).length);
    const second = open();
    const kept = what.startsWith("a last record") ? ["kept"] : ["kept", "last"];
    expect(names(second.list(resource))).toEqual(kept);
    second.put(resource, configMap("more"));
    await second.close();
    const third = open();
    expect(names(third.list(resource))).toEqual([...kept, "more"].toSorted());
    await third.close();
  });

  it("refuses a log that is damaged before its end", async () => {
    const first = open();
    for (const name of ["a", "b", "c"]) first.put(resource, configMap(name));
    await first.close();
    const bytes = readFileSync(logFile());
    bytes[60] = (bytes[60] ?? 0) ^ 255;
    writeFileSync(logFile(), bytes);
    expect(() => open()).toThrow(expect.objectContaining({ code: "DATA_DIR_CORRUPT" }) as Error);
  });

  it.each([
    ["between snapshots", 64 * 1024],
    ["without snapshots", 1e9],
  ])("loses nothing that was acknowledged when the process is killed, %s", async (_, compactAfterBytes) => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "testing/writer.ts"), dir, String(compactAfterBytes)],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let output = "";
    const ended = new Promise((resolve) => child.on("close", resolve));
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      output += text;
      if (output.length > 60_000) child.kill("SIGKILL");
    });
    await ended;
    const acknowledged = new Map(
      output
        .split("\n")
        .slice(0, -1)
        .map((line) => line.split(" ") as [string, string]),
    );
    const store = open();
    expect(acknowledged.size).toBe(97);
    for (const [name, rv] of acknowledged) {
      expect(Number(store.get(resource, "a", name)?.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(rv));
    }
    // Where the whole log is left, every single write is in it.
    const last = Math.max(...[...acknowledged.values()].map(Number));
    const versions = store.eventsAfter(resource, store.oldestRv(resource))?.map(({ rv }) => rv) ?? [];
    expect(versions).toEqual(versions.map((_rv, index) => store.oldestRv(resource) + 1 + index));
    expect(versions.at(-1)).toBeGreaterThanOrEqual(last);
    await store.close();
  });
});

describe("the past", () => {
  it("lists the state of a resourceVersion as long as it is known", () => {
    const store = open();
    store.put(resource, configMap("a", "1"));
    store.put(resource, configMap("b"));
    store.put(resource, configMap("a", "2"));
    store.delete(resource, configMap("b"));
    const at = (rv: number) => store.listAt(resource, rv)?.map((each) => [each.metadata.name, each["data"]]);
    expect(at(1)).toEqual([["a", { value: "1" }]]);
    expect(at(2)).toEqual([
      ["a", { value: "1" }],
      ["b", { value: "" }],
    ]);
    expect(at(3)).toEqual([
      ["a", { value: "2" }],
      ["b", { value: "" }],
    ]);
    expect(at(4)).toEqual([["a", { value: "2" }]]);
  });

  it("forgets what falls out of the history", () => {
    const store = open({ history: { maxEvents: 3, minEvents: 1, keepMs: 1000 } });
    for (let i = 0; i < 6; i++) store.put(resource, configMap("a", String(i)));
    expect(store.eventsAfter(resource, 2)).toBeUndefined();
    expect(store.listAt(resource, 2)).toBeUndefined();
    expect(store.eventsAfter(resource, 3)?.map(({ rv }) => rv)).toEqual([4, 5, 6]);
  });
});
