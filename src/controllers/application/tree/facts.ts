// Small facts of objects that applications own without desiring them (pods, replica sets): enough for the tree, so that
// the objects themselves need not be kept. Pure.
import { builtinCheck, healthOf } from "#core/health/health.ts";
import type { LiveCacheOptions, LiveFact } from "#kube/live.ts";
import type { HealthStatusCode } from "#model/application.ts";
import { gvkOf, type GroupKind, type KubernetesObject, type ObjectMeta } from "#model/object.ts";
import type { CustomHealth } from "./custom-health.ts";
import { imagesOf } from "#model/images.ts";
import { podTrouble } from "#core/waits/pods.ts";
import { hostFact, nodeFacts } from "./hosts.ts";
import { podFacts, requestsFact } from "./pod-facts.ts";

const sharedAtMost = 5000;
/** Names of facts that are not for people. */
const labelsFact = "labels";
const hidden: readonly string[] = ["health", "health message", "images", "trouble", labelsFact, requestsFact, hostFact];

/** Small facts of objects that are not kept: health, images, and what the tree shows beside a pod or replica set. */
export interface FactsOptions {
  /** Where a script decides an object's health, its result comes later, and by itself. */
  readonly health: Pick<CustomHealth, "isCustom" | "offer">;
  /** Argo CD's `resource.customLabels`. */
  readonly customLabels: () => readonly string[];
}

/** Which kinds are described: those with a health check, and those whose labels or images are shown. */
export function describeObjects(options: FactsOptions): NonNullable<LiveCacheOptions["describe"]> {
  const shared = new SharedFacts();
  return {
    covers: (kind) =>
      options.health.isCustom(kind) || builtinCheck(kind.group, kind.kind) !== undefined || isNode(kind),
    of: (object, kept) => {
      const facts = factsOf(object, { ...options, kept });
      return object.kind === "Pod" ? facts.map((fact) => shared.of(fact)) : facts;
    },
    ofMeta(meta) {
      const facts = labelFacts(meta, options.customLabels());
      return facts.length > 0 ? facts : undefined;
    },
  };
}

/** Pods of one owner say mostly the same: each fact is kept once for all of them, as far as they are seen together. */
class SharedFacts {
  readonly #facts = new Map<string, LiveFact>();

  of(fact: LiveFact): LiveFact {
    const key = `${fact.name} ${fact.value}`;
    const known = this.#facts.get(key);
    if (known) return known;
    if (this.#facts.size >= sharedAtMost) this.#facts.clear();
    this.#facts.set(key, fact);
    return fact;
  }
}

function factsOf(object: KubernetesObject, options: FactsOptions & { readonly kept: boolean }): readonly LiveFact[] {
  const facts: LiveFact[] = [];
  const { health: scripts, customLabels, kept } = options;
  const custom = scripts.isCustom(gvkOf(object));
  if (custom) scripts.offer(object);
  // Of an object that is kept, these are read from it.
  const health = custom || kept ? undefined : healthOf(object);
  if (health) facts.push({ name: "health", value: health.status });
  if (health?.message) facts.push({ name: "health message", value: health.message });
  const images = kept ? [] : imagesOf(object);
  if (images.length > 0) facts.push({ name: "images", value: images.join(" ") });
  if (object.kind === "Pod") facts.push(...podFacts(object), ...podLabels(object));
  if (isNode(gvkOf(object))) facts.push(...nodeFacts(object));
  const trouble = object.kind === "Pod" ? podTrouble(object) : undefined;
  if (trouble !== undefined) facts.push({ name: "trouble", value: trouble });
  const revision = object.metadata.annotations?.["deployment.kubernetes.io/revision"];
  if (object.kind === "ReplicaSet" && revision !== undefined)
    facts.push({ name: "Revision", value: `Rev:${revision}` });
  facts.push(...labelFacts(object.metadata, customLabels()));
  if (facts.length === 0) return none;
  if (facts.length > 1 || health === undefined) return facts;
  // Most say only this: one list for all of them.
  return health.message === undefined ? bare[health.status] : facts;
}

/** All of a pod's labels: a Service finds its pods by them. */
function podLabels({ metadata: { labels } }: KubernetesObject): readonly LiveFact[] {
  return labels && Object.keys(labels).length > 0 ? [{ name: labelsFact, value: JSON.stringify(labels) }] : [];
}

const isNode = ({ group, kind }: GroupKind): boolean => group === "" && kind === "Node";

function labelFacts({ labels }: ObjectMeta, names: readonly string[]): readonly LiveFact[] {
  return names.flatMap((name) => {
    const value = labels?.[name];
    return value === undefined ? [] : [{ name, value }];
  });
}

const none: readonly LiveFact[] = [];
const bare: Readonly<Record<HealthStatusCode, readonly LiveFact[]>> = {
  Healthy: [{ name: "health", value: "Healthy" }],
  Progressing: [{ name: "health", value: "Progressing" }],
  Degraded: [{ name: "health", value: "Degraded" }],
  Suspended: [{ name: "health", value: "Suspended" }],
  Missing: [{ name: "health", value: "Missing" }],
  Unknown: [{ name: "health", value: "Unknown" }],
};

/** What the tree shows of an object's facts, as Argo CD names them. */
export function shownFacts(info: readonly LiveFact[]): readonly LiveFact[] {
  const shown = info.filter(({ name }) => !hidden.includes(name));
  const requests = info.find(({ name }) => name === requestsFact)?.value.split(" ");
  if (!requests) return shown;
  const [cpu = "0", memory = "0"] = requests;
  return [...shown, { name: "cpu", value: cpu }, { name: "memory", value: memory }];
}

/** The labels of a pod that is not kept. */
export function labelsOf(info: readonly LiveFact[]): Readonly<Record<string, string>> | undefined {
  const text = info.find(({ name }) => name === labelsFact)?.value;
  return text === undefined ? undefined : (JSON.parse(text) as Readonly<Record<string, string>>);
}
