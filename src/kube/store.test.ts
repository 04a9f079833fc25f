// What entries give back is what they were given, however small they are kept.
import { describe, expect, test } from "vitest";
import { LiveStore, makeEntry, type EntryFields } from "./store.ts";

const fields: EntryFields = {
  namespace: "shop",
  name: "web",
  uid: "7b1c0001-52a0-4a8e-9f3d-00ff80deadbe",
  resourceVersion: "12",
  owners: [],
  deleting: false,
  createdAtS: 0,
  details: { partial: true, tag: undefined, object: undefined, info: undefined },
};

describe("an entry gives back", () => {
  const store = new LiveStore();
  const kind = store.kind("", "Pod", "v1");
  test.each([
    fields.uid,
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "exactly-16-chars",
    "7B1C0001-52A0-4A8E-9F3D-00FF80DEADBE",
    "",
    "u",
  ])("its uid %j", (uid) => {
    expect(makeEntry(kind, { ...fields, uid }).uid).toBe(uid);
  });
  test.each(["1", "0", "", "2147483647", "2147483648", "98765432109876543210", "007", "1e3", "abc", "-1"])(
    "its resourceVersion %j",
    (resourceVersion) => {
      expect(makeEntry(kind, { ...fields, resourceVersion }).resourceVersion).toBe(resourceVersion);
    },
  );
});

test("entries are found by key and by namespace, counted, and gone once they are deleted", () => {
  const store = new LiveStore();
  const pods = store.kind("", "Pod", "v1");
  const web = makeEntry(pods, fields);
  const other = makeEntry(pods, { ...fields, namespace: "other" });
  const config = makeEntry(store.kind("", "ConfigMap", "v1"), fields);
  for (const entry of [web, other, config]) store.put(entry);
  store.put(makeEntry(pods, { ...fields, resourceVersion: "13" }));
  const key = { group: "", kind: "Pod", namespace: "shop", name: "web" };
  expect(store.size).toBe(3);
  expect(store.get(key)?.resourceVersion).toBe("13");
  expect([...store.inNamespace("shop")].map((entry) => entry.key.kind).sort()).toEqual(["ConfigMap", "Pod"]);
  store.delete(web);
  expect(store.get(key)).toBeDefined();
  store.delete(store.get(key)!);
  expect(store.get(key)).toBeUndefined();
  expect([...store.inNamespace("shop")]).toEqual([config]);
  expect([...store.entries()].map((entry) => entry.namespace).sort()).toEqual(["other", "shop"]);
});

test("siblings are found by their owner, however many there are", () => {
  const store = new LiveStore();
  const pods = store.kind("", "Pod", "v1");
  const owners = store.owners([{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "o", controller: true }]);
  for (let i = 0; i < 40; i++) {
    store.put(makeEntry(pods, { ...fields, name: `web-${i}`, owners }));
    expect([...store.children("o")]).toHaveLength(i + 1);
  }
  for (const entry of store.children("o")) store.delete(entry);
  expect([...store.children("o")]).toEqual([]);
});
