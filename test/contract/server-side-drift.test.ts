// What was applied server-side and is desired no longer: seen as drift in the live cache's objects, and removed by the
// next apply. On every cluster under test, for who owns which field is the API server's to say.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { compare, type CompareSettings } from "#core/compare/compare.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import { applyObject } from "#kube/apply.ts";
import { createLiveCache, type LiveCache } from "#kube/cache.ts";
import { clientFromKubeconfig } from "#kube/credentials.ts";
import type { KubeClient, ResourceType } from "#kube/types.ts";
import { fieldManager } from "#model/names.ts";
import { gvkOf, keyOf, type KubernetesObject } from "#model/object.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { clustersUnderTest, type RunningCluster } from "../support/cluster.ts";

const stopping = new AbortController();
const op: Operation = { signal: stopping.signal, log: silentLogger };
const settings: CompareSettings = { ignore: [], method: "structured-merge", manager: fieldManager };
const namespace = "drift";
const labels = { drift: "test" };

const configMap = (data: Record<string, string>): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "config", namespace, labels },
  data,
});
const deployment = (spec: object, container: object): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace, labels },
  spec: {
    ...spec,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "web", image: "nginx:1", ...container }] } },
  },
});

interface Case {
  readonly name: string;
  readonly before: KubernetesObject;
  readonly after: KubernetesObject;
  /** Where the drift is; none: there is none. */
  readonly paths: readonly string[];
}

const ports = (...numbers: number[]) => ({ ports: numbers.map((containerPort) => ({ containerPort })) });
const cases: readonly Case[] = [
  { name: "nothing", before: configMap({ a: "1", b: "2" }), after: configMap({ a: "1", b: "2" }), paths: [] },
  { name: "a key", before: configMap({ a: "1", b: "2" }), after: configMap({ a: "1" }), paths: ["/data/b"] },
  {
    name: "a field",
    before: deployment({ replicas: 0, minReadySeconds: 5 }, {}),
    after: deployment({ replicas: 0 }, {}),
    paths: ["/spec/minReadySeconds"],
  },
  {
    name: "an item of a keyed list",
    before: deployment({ replicas: 0 }, ports(80, 81)),
    after: deployment({ replicas: 0 }, ports(80)),
    paths: ["/spec/template/spec/containers/0/ports/1"],
  },
  {
    name: "nothing of what the server fills in",
    before: deployment({ replicas: 0 }, ports(80)),
    after: deployment({ replicas: 0 }, ports(80)),
    paths: [],
  },
];

for (const cluster of clustersUnderTest({ name: "server-side drift", cases: cases.length })) {
  describe(`on ${cluster.name}`, () => {
    let running: RunningCluster | undefined;
    let client: KubeClient;
    let cache: LiveCache;

    beforeAll(async () => {
      running = await cluster.start();
      client = clientFromKubeconfig(
        { path: running.kubeconfig },
        { clock: systemClock, random: systemRandom, userAgent: "test" },
      );
      const namespaces = await typeOf({ apiVersion: "v1", kind: "Namespace", metadata: {} });
      await client.create(op, namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
      cache = createLiveCache(client, {
        clock: systemClock,
        random: systemRandom,
        keepAppliedBy: fieldManager,
        tagOf: ({ labels: found }) => found?.["drift"],
        include: ({ kind }) => kind === "ConfigMap" || kind === "Deployment",
      });
      await cache.start(op);
    });

    afterAll(async () => {
      await cache?.stop();
      await client?.close();
      await running?.stop();
    });

    async function typeOf(object: KubernetesObject): Promise<ResourceType> {
      return (await client.discovery.find(op, gvkOf(object)))!;
    }

    async function apply(object: KubernetesObject): Promise<KubernetesObject> {
      const type = await typeOf(object);
      const options = { clock: systemClock, fieldManager, method: "server-side" as const };
      const { object: applied } = await applyObject(op, client, { type, object }, options);
      return applied!;
    }

    /** The live object as the cache has it, once it is at least as new as an answer. */
    async function live(answer: KubernetesObject): Promise<KubernetesObject> {
      return await vi.waitFor(
        () => {
          const entry = cache.get(keyOf(answer));
          // Controllers write too.
          expect(Number(entry?.resourceVersion)).toBeGreaterThanOrEqual(Number(answer.metadata.resourceVersion));
          expect(entry?.object).toBeDefined();
          return entry!.object!;
        },
        { timeout: 10_000 },
      );
    }

    it.each(cases)("sees that $name is no longer applied, until it is", async ({ before, after, paths }) => {
      const type = await typeOf(before);
      await client.delete(op, type, { namespace, name: before.metadata.name! });
      const first = await live(await apply(before));
      const schema = await client.schemas.typeOf(op, gvkOf(before));
      expect(compare(before, first, schema, settings)).toEqual({ outcome: "same" });
      const drift = compare(after, first, schema, settings);
      expect(drift.outcome === "differs" ? drift.paths : []).toEqual(paths);
      const second = await live(await apply(after));
      expect(compare(after, second, schema, settings)).toEqual({ outcome: "same" });
    });
  });
}
