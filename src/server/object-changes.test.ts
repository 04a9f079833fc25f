import { expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { silentLogger } from "#base/operation.ts";
import type { KubernetesObject } from "#model/object.ts";
import { changeObject } from "./object-changes.ts";

const op: Operation = { signal: new AbortController().signal, log: silentLogger };
const object = (version: number, data: Record<string, string>): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", namespace: "n", resourceVersion: String(version) },
  data,
});

function server(versions: KubernetesObject[]) {
  const patches: unknown[] = [];
  let at = 0;
  const seen: KubernetesObject[] = [];
  return {
    patches,
    seen,
    target: {
      type: { group: "", version: "v1", plural: "configmaps", namespaced: true },
      ref: { namespace: "n", name: "a" },
      missing: () => new DriftlessError("NOT_FOUND", "there is no a"),
      observe: (written: KubernetesObject) => void seen.push(written),
      control: {
        get: () => Promise.resolve(versions[at]),
        patch: (_op: unknown, _type: unknown, _ref: unknown, { body }: { body: unknown }) => {
          patches.push(body);
          const current = versions[at]!;
          const wanted = (body as KubernetesObject).metadata.resourceVersion;
          if (wanted === current.metadata.resourceVersion) return Promise.resolve(object(99, {}));
          return Promise.reject(new DriftlessError("CONFLICT", "modified"));
        },
      } as never,
    },
    moveTo: (index: number) => (at = index),
  };
}

const add = (now: KubernetesObject): KubernetesObject => ({ ...now, data: { ...(now["data"] as object), mine: "1" } });

test("a write says which version it changes, and is done anew with what somebody else wrote", async () => {
  const { target, patches, seen } = server([object(2, { theirs: "x" })]);
  await changeObject(op, { ...target, known: object(1, {}) }, add);
  expect(patches).toEqual([
    { data: { mine: "1" }, metadata: { resourceVersion: "1" } },
    { data: { mine: "1" }, metadata: { resourceVersion: "2" } },
  ]);
  expect(seen.map(({ metadata }) => metadata.resourceVersion)).toEqual(["99"]);
});

test("what changes nothing is not written", async () => {
  const { target, patches } = server([object(1, { mine: "1" })]);
  await changeObject(op, target, add);
  expect(patches).toEqual([]);
});

test("one that is not there, or went meanwhile, is missing", async () => {
  await expect(changeObject(op, server([]).target, add)).rejects.toThrow("there is no a");
  const { target } = server([]);
  const gone = { ...target, known: object(1, {}) };
  const control = {
    get: () => Promise.resolve(undefined),
    patch: () => Promise.reject(new DriftlessError("CONFLICT", "modified")),
  };
  await expect(changeObject(op, { ...gone, control }, add)).rejects.toThrow("there is no a");
});

test("whoever is never quick enough is told", async () => {
  let version = 1;
  const { target } = server([]);
  const control = {
    get: () => Promise.resolve(object(++version, {})),
    patch: () => Promise.reject(new DriftlessError("CONFLICT", "modified")),
  };
  await expect(changeObject(op, { ...target, control }, add)).rejects.toThrow("modified");
  expect(version).toBeGreaterThan(3);
});
