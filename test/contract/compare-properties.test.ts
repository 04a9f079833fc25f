// What was just applied is in sync, and one changed field is found, no more and no less: generated objects of the commonest
// kinds, applied to every cluster under test, compared by each method. COMPARE_OBJECTS says how many (10,000).
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { toError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import { attribute } from "#core/compare/attribution.ts";
import { compare, type Comparison, type CompareSettings } from "#core/compare/compare.ts";
import { normalized } from "#core/compare/normalize.ts";
import { valueAt } from "#core/compare/paths.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { applyObject } from "#kube/apply.ts";
import { clientFromKubeconfig } from "#kube/credentials.ts";
import { objectWithoutManagedFields } from "#kube/managed-fields.ts";
import type { KubeClient, ResourceType } from "#kube/types.ts";
import { fieldManager } from "#model/names.ts";
import { gvkOf, type KubernetesObject } from "#model/object.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { clustersUnderTest, type RunningCluster } from "../support/cluster.ts";
import { generate, generatedKinds } from "./generated-objects.ts";
import { mutations } from "./mutations.ts";

const stopping = new AbortController();
const op: Operation = { signal: stopping.signal, log: silentLogger };
const all = Number(process.env["COMPARE_OBJECTS"] ?? 10_000);
const seed = Number(process.env["COMPARE_SEED"] ?? 20_260_101);
const counts = { kubernetes: all, sandbox: Math.ceil(all / 20) };
/** Without controllers: what they write would be compared too, and pods by the thousand would be scheduled. */
const controllers = "serviceaccount-controller,root-ca-certificate-publisher-controller,namespace-controller";
const namespaces = ["p0", "p1", "p2", "p3"];
const atOnce = 24;
/** Every how many-th object is edited through the API too, and the edit told from its managedFields. */
const editedEach = 7;
/** Every how many-th object is changed in Git: another of its kind is applied in its place. */
const changedEach = 5;
/** How many wrong answers are told of at once. */
const shown = 20;

const methods = ["three-way", "structured-merge", "server-side"] as const;
type Method = (typeof methods)[number];

interface Finding {
  readonly method: Method;
  readonly what: string;
  readonly desired: KubernetesObject;
  readonly live?: KubernetesObject;
}

interface Tally {
  compared: number;
  mutated: number;
  edited: number;
  changed: number;
  refused: number;
  readonly findings: Finding[];
  readonly refusals: Map<string, number>;
}

for (const cluster of clustersUnderTest({ name: "comparing generated objects", cases: all })) {
  describe(`on ${cluster.name}`, () => {
    let running: RunningCluster | undefined;
    let client: KubeClient;
    const types = new Map<string, { readonly type: ResourceType; readonly schema: TypeSchema | undefined }>();

    beforeAll(async () => {
      running = await cluster.start({ controllers });
      client = clientFromKubeconfig(
        { path: running.kubeconfig },
        { clock: systemClock, random: systemRandom, userAgent: "test", concurrency: atOnce },
      );
      await prepare(client);
      for (const kind of generatedKinds) {
        const gvk = gvkOf(kind);
        types.set(kind.kind, {
          type: (await client.discovery.find(op, gvk))!,
          schema: await client.schemas.typeOf(op, gvk),
        });
      }
    });

    afterAll(async () => {
      await client?.close();
      await running?.stop();
    });

    it("applied means in sync, and one field changed means out of sync by that field", async () => {
      const tally: Tally = {
        compared: 0,
        mutated: 0,
        edited: 0,
        changed: 0,
        refused: 0,
        findings: [],
        refusals: new Map(),
      };
      const objects = generate(counts[cluster.name], { seed, namespaces });
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let i = next++; i < objects.length; i = next++) {
          const desired = objects[i]!;
          const edited = i % editedEach === 0;
          const next = i % changedEach === 0 ? objects[i + generatedKinds.length] : undefined;
          await examine(
            client,
            { edited, next, desired, method: methods[i % methods.length]!, ...types.get(desired.kind)! },
            tally,
          );
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      const { compared, mutated, edited, changed, refused, findings } = tally;
      process.stderr.write(
        `comparing generated objects on ${cluster.name}: ${compared} in sync, ${changed} changed in Git and in sync, ${mutated} changes and ${edited} edits found, ${refused} refused by the API server, ${findings.length} wrong\n`,
      );
      expect(findings.slice(0, shown).map(described), JSON.stringify([...tally.refusals], undefined, 1)).toEqual([]);
      expect(refused).toBeLessThan(objects.length * 0.1);
      expect(mutated).toBeGreaterThan(compared * 0.5);
    }, 600_000);
  });
}

/** Namespaces, and the definition of the custom resource among the kinds. */
async function prepare(client: KubeClient): Promise<void> {
  const find = async (object: KubernetesObject): Promise<ResourceType> =>
    (await client.discovery.find(op, gvkOf(object)))!;
  for (const name of namespaces) {
    const object = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    await client.create(op, await find(object), object);
  }
  const openAPIV3Schema = parse(
    readFileSync(new URL("../../src/core/merge/cases/widget.yaml", import.meta.url), "utf8"),
  ) as JsonObject;
  const names = { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" };
  const versions = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema } }];
  const definition: KubernetesObject = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.example.com" },
    spec: { group: "example.com", scope: "Namespaced", names, versions },
  };
  await client.create(op, await find(definition), definition);
  for (;;) {
    const widget = { group: "example.com", version: "v1", kind: "Widget" };
    client.discovery.invalidate();
    client.schemas.invalidate();
    const served = await client.discovery.find(op, widget);
    if (served && (await client.schemas.typeOf(op, widget))) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface Subject {
  readonly desired: KubernetesObject;
  readonly method: Method;
  readonly type: ResourceType;
  readonly schema: TypeSchema | undefined;
  /** Whether somebody edits the object through the API. */
  readonly edited: boolean;
  /** What Git says of the object afterwards, but for its name. */
  readonly next: KubernetesObject | undefined;
}

/** Applies one object, compares it, then compares it with one field changed behind its back. */
async function examine(client: KubeClient, subject: Subject, tally: Tally): Promise<void> {
  const { desired, method, schema } = subject;
  const settings: CompareSettings = { ignore: [], method, manager: fieldManager, applies: "server-side" };
  let live: KubernetesObject;
  let told = settings;
  try {
    live = objectWithoutManagedFields(await apply(client, subject, desired), { appliedBy: fieldManager });
    if (method === "server-side") told = { ...settings, answer: await dryRun(client, subject) };
  } catch (thrown) {
    const { message } = toError(thrown);
    tally.refused++;
    const short = `${desired.kind}: ${message.replaceAll(/"[^"]*"/g, "…").slice(0, 160)}`;
    tally.refusals.set(short, (tally.refusals.get(short) ?? 0) + 1);
    return;
  }
  tally.compared++;
  const result = compare(desired, live, schema, told);
  if (result.outcome !== "same") tally.findings.push({ method, what: summary(result), desired, live });
  if (subject.edited && result.outcome === "same") await examineEdited(client, subject, tally);
  else if (result.outcome === "same") await examineChanged(client, subject, live, tally);
  // What an API server answers is known for the present live state alone: it cannot be asked of one that is made up.
  if (result.outcome !== "same" || method === "server-side") return;
  const mutation = mutations(desired, live, schema)[0];
  if (mutation === undefined) return;
  tally.mutated++;
  const drifted = compare(desired, mutation.live, schema, settings);
  if (drifted.outcome !== "differs" || drifted.paths.length !== 1 || drifted.paths[0] !== mutation.path)
    tally.findings.push({
      method,
      what: `${mutation.path} changed: ${summary(drifted)}`,
      desired,
      live: mutation.live,
    });
}

/** Another content is applied to the same object: that must be in sync too. What the API server refuses is left out. */
async function examineChanged(
  client: KubeClient,
  subject: Subject,
  live: KubernetesObject,
  tally: Tally,
): Promise<void> {
  const { next, method, schema, desired } = subject;
  if (next === undefined) return;
  const { name, namespace } = desired.metadata;
  const metadata = { ...next.metadata, name: name!, ...(namespace === undefined ? {} : { namespace }) };
  const changed = { ...subject, desired: { ...next, metadata } };
  let after: KubernetesObject;
  let told: CompareSettings = { ignore: [], method, manager: fieldManager, applies: "server-side" };
  try {
    after = objectWithoutManagedFields(await apply(client, changed, changed.desired, live), {
      appliedBy: fieldManager,
    });
    if (method === "server-side") told = { ...told, answer: await dryRun(client, changed) };
  } catch {
    return;
  }
  tally.changed++;
  const result = compare(changed.desired, after, schema, told);
  if (result.outcome !== "same")
    tally.findings.push({ method, what: `changed: ${summary(result)}`, desired: changed.desired, live: after });
}

/** An edit by hand must be found, and who made it. */
async function examineEdited(client: KubeClient, subject: Subject, tally: Tally): Promise<void> {
  const { desired, method, type, schema } = subject;
  const { namespace, name = "", labels } = desired.metadata;
  const [label] = Object.keys(labels ?? {});
  if (label === undefined) return;
  const ref = namespace === undefined ? { name } : { namespace, name };
  const body = { metadata: { labels: { [label]: "edited" } } };
  const edited = await client.patch(op, type, ref, { type: "merge", body }, { fieldManager: "kubectl-edit" });
  const live = objectWithoutManagedFields(edited, { appliedBy: fieldManager });
  const settings: CompareSettings = { ignore: [], method, manager: fieldManager, applies: "server-side" };
  const told = method === "server-side" ? { ...settings, answer: await dryRun(client, subject) } : settings;
  const found = compare(desired, live, schema, told);
  const path = `/metadata/labels/${label.replaceAll("/", "~1")}`;
  if (found.outcome !== "differs" || found.paths.length !== 1 || found.paths[0] !== path) {
    tally.findings.push({ method, what: `${path} edited: ${summary(found)}`, desired, live });
    return;
  }
  tally.edited++;
  const [attribution] = attribute(edited, found.predicted, schema, found.paths);
  const who = attribution?.writers.map(({ manager }) => manager).join();
  if (attribution?.state !== "set" || who !== "kubectl-edit")
    tally.findings.push({ method, what: `${path} edited by ${who ?? ""}`, desired, live: edited });
}

async function apply(
  client: KubeClient,
  { method, type, schema }: Subject,
  object: KubernetesObject,
  live: KubernetesObject | null = null,
): Promise<KubernetesObject> {
  const result = await applyObject(
    op,
    client,
    { type, object },
    {
      clock: systemClock,
      fieldManager,
      live,
      method: method === "three-way" ? "apply" : "server-side",
      schema,
    },
  );
  return result.object!;
}

function dryRun(client: KubeClient, { type, desired }: Subject): Promise<KubernetesObject> {
  const { namespace, name = "" } = desired.metadata;
  const body = normalized(desired, { status: "ignore" });
  return client.patch(
    op,
    type,
    namespace === undefined ? { name } : { namespace, name },
    { type: "apply", body },
    { fieldManager, dryRun: true, force: true },
  );
}

function summary(comparison: Comparison): string {
  return comparison.outcome === "differs"
    ? `differs at ${comparison.paths.join(" ")}`
    : comparison.outcome === "unknown"
      ? comparison.error
      : "same";
}

/** What differs, and the values on both sides: enough to see why. */
function described({ method, what, desired, live }: Finding): string {
  const paths = /(?:^| at )(\/\S+(?: \/\S+)*)/.exec(what)?.[1]?.split(" ") ?? [];
  const values = paths.map(
    (path) => `${path}: desired ${JSON.stringify(valueAt(desired, path))}, live ${JSON.stringify(valueAt(live, path))}`,
  );
  return [`${method}: ${desired.kind} ${desired.metadata.name}: ${what}`, ...values].join("\n  ");
}
