// Comparing on one thread: objects a second by method, unchanged objects compared again, and the memory of the live cache:
// over the JSON of each managed object, and for each object of which only metadata is kept.
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parse } from "yaml";
import type { JsonObject } from "#base/json.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { Desired, DesiredObject } from "#controllers/application/desired/desired.ts";
import { ComparisonTable, type TableInputs } from "#controllers/application/comparison/table.ts";
import { compare, type CompareSettings } from "#core/compare/compare.ts";
import { applyServerSide } from "#core/merge/structured.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { withLastApplied } from "#kube/apply.ts";
import { createLiveCache } from "#kube/cache.ts";
import type { LiveCache, LiveEntry } from "#kube/live.ts";
import { objectWithoutManagedFields, withoutManagedFields } from "#kube/managed-fields.ts";
import type { KubeClient, ResourceType, WatchEvent } from "#kube/types.ts";
import { fieldManager } from "#model/names.ts";
import { gvkOf, keyOf, keyText, type KubernetesObject } from "#model/object.ts";
import { BuiltinTypes } from "#sandbox/resources/types.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { round, type Bench, type Target } from "./lib/report.ts";

const types = new BuiltinTypes();
const op: Operation = { signal: new AbortController().signal, log: silentLogger };
const time = "2026-01-01T00:00:00Z";
const objectsInCache = 100_000;

interface Pair {
  readonly desired: KubernetesObject;
  readonly live: KubernetesObject;
}

export const bench: Bench = async (context) => {
  const say = (text: string): void => context.say(text);
  const speed = speeds(say);
  say("comparing unchanged objects again");
  const again = unchanged();
  say(`${objectsInCache} objects in the live cache`);
  const managed = await managedBytes();
  const metadata = await metadataBytes();
  const least: Target[] = [
    {
      metric: "Deployment, three-way, a second",
      value: speed["Deployment three-way"]!,
      limit: 20_000,
      bound: "at-least",
    },
    {
      metric: "Deployment, structured merge, a second",
      value: speed["Deployment structured-merge"]!,
      limit: 20_000,
      bound: "at-least",
    },
    { metric: "an unchanged object again, ns", value: again, limit: 1000 },
    { metric: "heap of a managed object over its JSON, B", value: managed.over, limit: 2048 },
    { metric: "heap of an object of which metadata is kept, B", value: metadata, limit: 300 },
  ];
  return {
    bench: "compare",
    results: {
      comparisonsPerSecond: speed,
      unchangedNs: round(again),
      managedObject: { jsonBytes: round(managed.json), heapBytes: round(managed.json + managed.over) },
      metadataOnlyBytes: round(metadata),
    },
    targets: least,
  };
};

function speeds(say: (text: string) => void): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, { desired, live }] of Object.entries(pairs())) {
    const schema = types.typeOf(gvkOf(desired));
    const ways = {
      "three-way": withAnnotation(desired, live),
      "structured-merge": withManagers(desired, live, schema),
    } as const;
    for (const [method, subject] of Object.entries(ways)) {
      const settings: CompareSettings = { ignore: [], method: method as keyof typeof ways, manager: fieldManager };
      const result = compare(desired, subject, schema, settings);
      if (result.outcome !== "same") throw new Error(`${name}, ${method}: ${JSON.stringify(result).slice(0, 500)}`);
      found[`${name} ${method}`] = perSecond(() => compare(desired, subject, schema, settings));
      say(`${name}, ${method}: ${found[`${name} ${method}`]} a second`);
    }
  }
  return found;
}

/** How often a second of this thread's processor time: what else the machine does is left out. */
function perSecond(work: () => unknown): number {
  const cpuMs = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  const until = (ms: number): number => {
    const started = cpuMs();
    let count = 0;
    let now = started;
    for (; now - started < ms; now = cpuMs()) {
      for (let i = 0; i < 10; i++) work();
      count += 10;
    }
    return (count / (now - started)) * 1000;
  };
  until(400);
  return Math.round(until(1000));
}

function withAnnotation(desired: KubernetesObject, live: KubernetesObject): KubernetesObject {
  const annotations = { ...live.metadata.annotations, ...withLastApplied(desired).metadata.annotations };
  return { ...live, metadata: { ...live.metadata, annotations } };
}

function withManagers(
  desired: KubernetesObject,
  live: KubernetesObject,
  schema: TypeSchema | undefined,
): KubernetesObject {
  const result = applyServerSide({
    live,
    applied: desired,
    manager: fieldManager,
    force: true,
    time,
    ...(schema === undefined ? {} : { schema }),
  });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  const { managedFields } = result.value.object.metadata;
  return objectWithoutManagedFields(
    { ...live, metadata: { ...live.metadata, ...(managedFields ? { managedFields } : {}) } },
    { appliedBy: fieldManager },
  );
}

/** Desired and live of a Deployment (as an API server answered it), a ConfigMap, and a definition of 300 KB. */
function pairs(): Readonly<Record<string, Pair>> {
  const bases = parse(
    readFileSync(new URL("../src/core/compare/cases/bases.yaml", import.meta.url), "utf8"),
  ) as (Pair & { readonly base: string })[];
  const { desired, live } = bases.find(({ base }) => base === "dep")!;
  const bare = (object: KubernetesObject): KubernetesObject => objectWithoutManagedFields(object);
  return {
    Deployment: { desired, live: bare(live) },
    ConfigMap: configMapPair(0),
    "CRD of 300 KB": definitionPair(),
  };
}

function configMapPair(i: number): Pair {
  const data = { "app.yaml": `level: info\nnumber: ${i}\n`.repeat(20), mode: "fast", region: "eu" };
  const labels = { "app.kubernetes.io/name": `app-${i}` };
  const desired = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: `app-${i}`, namespace: "shop", labels },
    data,
  };
  return { desired, live: { ...desired, metadata: { ...desired.metadata, ...served(i) } } };
}

function definitionPair(): Pair {
  const properties: Record<string, JsonObject> = {};
  for (let i = 0; i < 700; i++) {
    const description = `Field ${i} of the specification. `.repeat(8);
    const nested = { a: { type: "string", description }, b: { type: "integer", format: "int32", minimum: 0 } };
    properties[`field${i}`] = { type: "object", properties: nested, required: ["a"] };
  }
  const openAPIV3Schema = { type: "object", properties: { spec: { type: "object", properties } } };
  const names = { kind: "Big", plural: "bigs", singular: "big", listKind: "BigList" };
  const versions = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema } }];
  const desired = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "bigs.example.com" },
    spec: { group: "example.com", scope: "Namespaced", names, versions },
  };
  const spec = { ...(structuredClone(desired.spec) as object), conversion: { strategy: "None" } };
  return { desired, live: { ...desired, metadata: { ...desired.metadata, ...served(1) }, spec } };
}

function served(i: number): JsonObject {
  return { uid: uid(i), resourceVersion: String(1_000_000 + i), creationTimestamp: time };
}

function uid(i: number): string {
  return `7b1c${i.toString(16).padStart(4, "0").slice(-4)}-52a0-4a8e-9f3d-${i.toString(16).padStart(12, "0")}`;
}

/** Nanoseconds for each row of a table whose two ends are what they were. */
function unchanged(): number {
  const rows = 10_000;
  const desired = new Map<string, DesiredObject>();
  const live = new Map<string, LiveEntry>();
  for (let i = 0; i < rows; i++) {
    const pair = configMapPair(i);
    const key = keyOf(pair.desired);
    const text = keyText(key);
    desired.set(text, { key, text, object: pair.desired, hash: String(i), file: "a.yaml", line: 1, isHook: false });
    live.set(text, { key, version: "v1", uid: uid(i), resourceVersion: String(i), owners: [], object: pair.live });
  }
  const inputs = {
    application: "bench",
    desired: { objects: desired } as unknown as Desired,
    live: (key) => live.get(keyText(key)),
    tagged: () => [],
    permits: () => true,
    schemaOf: (object) => types.typeOf(gvkOf(object)),
    settingsFor: () => ({ ignore: [], method: "three-way", manager: fieldManager }),
  } as TableInputs;
  const table = new ComparisonTable();
  table.updateAll(inputs);
  return 1e9 / perSecond(() => table.updateAll(inputs)) / rows;
}

/** Average bytes of JSON and of heap over it, of the objects of a usual fleet, each applied by us. */
async function managedBytes(): Promise<{ json: number; over: number }> {
  const { Deployment } = pairs();
  const schema = types.typeOf(gvkOf(Deployment!.desired));
  const web = withManagers(Deployment!.desired, withAnnotation(Deployment!.desired, Deployment!.live), schema);
  let json = 0;
  const texts = function* (): Iterable<string> {
    for (let i = 0; i < objectsInCache; i++) {
      const name = `app-${i}`;
      const metadata = { name, namespace: `team-${i % 200}`, ...served(i) };
      const tracked = { annotations: { "argocd.argoproj.io/tracking-id": `${name}:apps/Deployment:shop/${name}` } };
      const object: KubernetesObject =
        i % 2 === 0
          ? { ...web, metadata: { ...web.metadata, ...metadata } }
          : { ...configMapPair(i).live, metadata: { ...metadata, ...tracked } };
      const text = JSON.stringify(object);
      json += withoutManagedFields(text).length;
      yield text;
    }
  };
  const heap = await heapOf("apps", texts(), true);
  return { json: json / objectsInCache, over: (heap - json) / objectsInCache };
}

/** Average bytes of heap of an object of which nothing but metadata is kept: pods, each owned by a replica set. */
async function metadataBytes(): Promise<number> {
  const texts = function* (): Iterable<string> {
    for (let i = 0; i < objectsInCache; i++) {
      const owner = Math.floor(i / 3);
      const name = `checkout-service-${(owner * 7919).toString(36).padStart(9, "0")}-${(i * 31).toString(36).padStart(5, "0")}`;
      const ownerReferences = [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: name.slice(0, -6),
          uid: uid(5_000_000 + owner),
          controller: true,
        },
      ];
      const metadata = { name, namespace: `team-${i % 200}`, ...served(i), ownerReferences };
      yield JSON.stringify({ apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata", metadata });
    }
  };
  return (await heapOf("", texts(), false)) / objectsInCache;
}

/** Bytes of heap that a live cache holds for these objects, read as from a server's list. */
async function heapOf(group: string, texts: Iterable<string>, managed: boolean): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const type: ResourceType = {
    group,
    version: "v1",
    kind: "Thing",
    plural: "things",
    namespaced: true,
    verbs: ["list", "watch"],
  } as unknown as ResourceType;
  const settle = (): number => {
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = settle();
  const cache: LiveCache = createLiveCache(listing(type, texts), {
    clock: systemClock,
    random: systemRandom,
    keepAppliedBy: fieldManager,
    tagOf: () => (managed ? "app" : undefined),
  });
  if (managed) await cache.manage([type]);
  await cache.start(op);
  if (cache.size !== objectsInCache) throw new Error(`${cache.size} objects in the cache`);
  const used = settle() - before;
  await cache.stop();
  return used;
}

/** A client that lists these objects of one kind and then has no news. */
function listing(type: ResourceType, texts: Iterable<string>): KubeClient {
  return {
    name: "bench",
    discovery: { all: async () => [type], failures: () => [], invalidate: () => {} },
    schemas: { invalidate: () => {} },
    async *watch({ signal }: Operation): AsyncIterable<WatchEvent> {
      for (const text of texts) {
        const line = withoutManagedFields(text, { appliedBy: fieldManager });
        yield { type: "ADDED", object: JSON.parse(line) as KubernetesObject };
      }
      const end = { apiVersion: "v1", kind: "Thing", metadata: { resourceVersion: "9000000" } };
      yield { type: "BOOKMARK", object: end, initialEventsEnd: true };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  } as unknown as KubeClient;
}
