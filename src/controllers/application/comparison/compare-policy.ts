// How each application's objects are compared, between passes: rules compiled once, evidence gathered where a comparison
// needs some, types of custom resources' fields filled in. Compares nothing itself.
import type { Operation as Op } from "#base/operation.ts";
import { withFieldTypes } from "#core/merge/field-types.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { keyText, type KubernetesObject, type ObjectKey } from "#model/object.ts";
import type { Settings } from "#model/settings.ts";
import type { Evaluators } from "#render/engine/evaluate.ts";
import { comparingOf, systemComparing, type Comparing, type SystemComparing } from "./compare-settings.ts";
import type { DestinationCluster } from "../deps.ts";
import type { DesiredObject } from "../desired/desired.ts";
import { EvidenceGatherer } from "./evidence.ts";
import { JqPlaces } from "./jq-places.ts";
import type { AppState } from "../state.ts";
import type { TableInputs } from "./table.ts";

export interface ComparePolicyOptions {
  readonly evaluators: Evaluators;
  settings(): Settings;
}

interface Known {
  readonly app: AppState["app"];
  readonly system: SystemComparing;
  readonly comparing: Comparing;
}

interface Given {
  readonly state: AppState;
  readonly cluster: DestinationCluster;
}

export class ComparePolicy {
  readonly #options: ComparePolicyOptions;
  readonly #evidence: EvidenceGatherer;
  readonly #known = new WeakMap<AppState, Known>();
  readonly #compared = new WeakMap<AppState, Known>();
  #system: SystemComparing | undefined;

  constructor(options: ComparePolicyOptions) {
    this.#options = options;
    this.#evidence = new EvidenceGatherer(new JqPlaces(options.evaluators, () => options.settings().jqTimeoutMs));
  }

  /** How an application's objects are compared now. */
  of(state: AppState): Comparing {
    return this.#current(state).comparing;
  }

  /** Whether that is another way than when this was last asked. */
  changed(state: AppState): boolean {
    const before = this.#compared.get(state);
    const now = this.#current(state);
    this.#compared.set(state, now);
    return before !== undefined && (before.comparing.id !== now.comparing.id || before.system !== now.system);
  }

  /** The next comparisons ask the API servers again. */
  forgetAnswers(): void {
    this.#evidence.forgetAnswers();
  }

  /**
   * Takes what a table is given and the desired objects that it is going to compare; returns it with all that comparing
   * these needs, and the objects of which some could not be had.
   */
  async complete(
    op: Op,
    given: Given,
    inputs: TableInputs,
    objects: readonly DesiredObject[],
  ): Promise<{ readonly inputs: TableInputs; readonly again: readonly string[] }> {
    const comparing = this.of(given.state);
    await keepManagers(given.cluster, comparing, objects);
    const types = await fieldTypes(op, given.cluster, comparing, objects);
    const ends = objects.map(({ text, key, object, hash }) => ({
      text,
      key,
      desired: { object, hash },
      live: inputs.live(key),
    }));
    const { live, how, again } = await this.#evidence.gather(op, { cluster: given.cluster, comparing }, ends);
    if (how.size === 0 && live.size === 0 && types.size === 0) return { inputs, again };
    return {
      inputs: {
        ...inputs,
        live: (key) => (live.has(keyText(key)) ? live.get(keyText(key)) : inputs.live(key)),
        settingsFor: (key, desired) => how.get(keyText(key)) ?? inputs.settingsFor(key, desired),
        schemaOf: (object) => types.get(kindId(object)) ?? inputs.schemaOf(object),
      },
      again,
    };
  }

  /** With `RespectIgnoreDifferences=true`: the object that a sync applies, what is ignored in it as in the live one. */
  respected(
    op: Op,
    { state, cluster }: Given,
    ends: { readonly key: ObjectKey; readonly desired: KubernetesObject; readonly live: KubernetesObject },
  ): Promise<KubernetesObject> {
    return this.#evidence.respected(op, { cluster, comparing: this.of(state) }, ends);
  }

  #current(state: AppState): Known {
    const settings = this.#options.settings();
    if (this.#system?.settings !== settings) this.#system = systemComparing(settings);
    const system = this.#system;
    const known = this.#known.get(state);
    if (known?.app === state.app && known.system === system) return known;
    const now = { app: state.app, system, comparing: comparingOf(state.app, system) };
    this.#known.set(state, now);
    return now;
  }
}

function kindId({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): string {
  return `${apiVersion} ${kind}`;
}

/** Rules by manager need to know what those managers own: the cache keeps it from now on, for the kinds concerned. */
async function keepManagers(
  cluster: DestinationCluster,
  comparing: Comparing,
  objects: readonly DesiredObject[],
): Promise<void> {
  const wanted = new Map<string, { readonly kind: ObjectKey; readonly managers: readonly string[] }>();
  for (const { key } of objects) {
    const id = `${key.group}/${key.kind}`;
    if (!wanted.has(id)) wanted.set(id, { kind: key, managers: comparing.managersOf(key) });
  }
  const asked = [...wanted.values()].filter(({ managers }) => managers.length > 0);
  await Promise.all(asked.map(({ kind, managers }) => cluster.cache.keepFieldsOf(kind, managers)));
}

/** Types of kinds in which settings name fields of Kubernetes' own types. */
async function fieldTypes(
  op: Op,
  cluster: DestinationCluster,
  comparing: Comparing,
  objects: readonly DesiredObject[],
): Promise<ReadonlyMap<string, TypeSchema>> {
  const types = new Map<string, TypeSchema>();
  const seen = new Set<string>();
  for (const { object, key } of objects) {
    const id = kindId(object);
    if (seen.has(id)) continue;
    seen.add(id);
    const fields = comparing.knownFieldsOf(key);
    if (fields.length === 0) continue;
    const known: { path: readonly string[]; type: TypeSchema }[] = [];
    for (const { path, type } of fields) {
      const found = await cluster.client.schemas.named(op, type);
      if (found === undefined) op.log.warn("knownTypeFields: the cluster has no such type", { kind: key.kind, type });
      else known.push({ path, type: found });
    }
    const base = cluster.schemaOf(object);
    if (known.length > 0) types.set(id, withFieldTypes(base, known));
  }
  return types;
}
