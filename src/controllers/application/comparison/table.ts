// The comparison of one application, kept object by object: a row for each object that is desired, or live and tracked
// as this application's. Only rows that changed at either end are compared again.
import { sameJson } from "#base/json.ts";
import type { HealthStatus, SyncStatusCode } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import { keyText, parseKeyText, type KubernetesObject, type ObjectKey } from "#model/object.ts";
import type { LiveEntry } from "#kube/live.ts";
import { compare } from "#core/compare/compare.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { keepHookFinalizers } from "#core/sync/deletion.ts";
import type { Turns } from "#base/turns.ts";
import type { HowCompared } from "./compare-settings.ts";
import { builtinHealth, type ObjectHealth } from "../tree/custom-health.ts";
import type { Desired, DesiredObject } from "../desired/desired.ts";

/** So many rows are compared before the clock is looked at. */
const rowsBetweenLooks = 20;

export interface Row {
  readonly key: ObjectKey;
  readonly text: string;
  readonly desired: DesiredObject | undefined;
  readonly live: LiveEntry | undefined;
  readonly sync: SyncStatusCode;
  /** Where desired and live differ, as JSON pointers; empty where one of the two is absent. */
  readonly paths: readonly string[];
  readonly predicted: KubernetesObject | undefined;
  readonly error: string | undefined;
  readonly health: HealthStatus | undefined;
  /** Live, tracked as this application's, and not desired. */
  readonly requiresPruning: boolean;
  /** Counts for nothing: extraneous and told to be ignored. */
  readonly ignored: boolean;
  /** A live hook of this application. */
  readonly isHook: boolean;
}

export interface TableInputs {
  readonly application: string;
  readonly desired: Desired;
  readonly live: (key: ObjectKey) => LiveEntry | undefined;
  readonly tagged: () => Iterable<LiveEntry>;
  /** Whether a live object that is not desired counts. */
  readonly permits: (key: ObjectKey) => boolean;
  readonly schemaOf: (object: KubernetesObject) => TypeSchema | undefined;
  readonly settingsFor: (key: ObjectKey, desired: KubernetesObject) => HowCompared;
  /** Health where the settings' scripts have a say, which have run; built-in checks alone where it is absent. */
  readonly health?: ObjectHealth;
}

export class ComparisonTable {
  readonly #rows = new Map<string, Row>();
  /** Rows that are compared again although neither end changed. */
  readonly #stale = new Set<string>();
  #sorted: readonly Row[] | undefined;
  #version = 0;

  /** Another number whenever a row may be another. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#rows.size;
  }

  row(text: string): Row | undefined {
    return this.#rows.get(text);
  }

  /** All rows, by group, kind, namespace, name: the order of `status.resources`. */
  rows(): readonly Row[] {
    this.#sorted ??= [...this.#rows.values()].sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
    return this.#sorted;
  }

  clear(): void {
    this.#version++;
    this.#rows.clear();
    this.#stale.clear();
    this.#sorted = undefined;
  }

  /** Compares everything; rows whose two ends are what they were are kept as they are. Returns whether any row changed. */
  updateAll(inputs: TableInputs): boolean {
    return this.updateKeys(inputs, this.#allTexts(inputs));
  }

  #allTexts(inputs: TableInputs): ReadonlySet<string> {
    const texts = new Set<string>(inputs.desired.objects.keys());
    for (const entry of inputs.tagged()) texts.add(keyText(entry.key));
    for (const text of this.#rows.keys()) texts.add(text);
    return texts;
  }

  /**
   * Compares the rows of these keys, or everything, in turns: in between others go on, and see some rows as they were and
   * some as they are.
   */
  async updateInTurns(inputs: TableInputs, texts: readonly string[] | undefined, turns: Turns): Promise<void> {
    let some: string[] = [];
    for (const text of texts ?? this.#allTexts(inputs)) {
      some.push(text);
      if (some.length < rowsBetweenLooks) continue;
      this.updateKeys(inputs, some);
      some = [];
      if (turns.over) await turns.next();
    }
    this.updateKeys(inputs, some);
  }

  /** Compares the rows of these keys. Returns whether any of them changed. */
  updateKeys(inputs: TableInputs, texts: Iterable<string>): boolean {
    let changed = false;
    for (const text of texts) if (this.#update(inputs, text)) changed = true;
    if (changed) {
      this.#version++;
      this.#sorted = undefined;
    }
    return changed;
  }

  #update(inputs: TableInputs, text: string): boolean {
    const before = this.#rows.get(text);
    const desired = inputs.desired.objects.get(text);
    const key = desired?.key ?? parseKeyText(text);
    const found = inputs.live(key);
    const live = desired || (found?.tag === inputs.application && inputs.permits(key)) ? found : undefined;
    if (!desired && !live) {
      this.#stale.delete(text);
      return this.#rows.delete(text);
    }
    if (
      before &&
      !this.#stale.has(text) &&
      before.error === undefined &&
      before.desired?.hash === desired?.hash &&
      before.desired?.object === desired?.object &&
      sameLive(before.live, live)
    )
      return this.#renewHealth(inputs, before);
    this.#rows.set(text, makeRow(inputs, { key, text, desired, live }));
    this.#stale.delete(text);
    return true;
  }

  /** A script may say something else of the same object: it has changed, or could not be run before. */
  #renewHealth(inputs: TableInputs, row: Row): boolean {
    const object = row.live?.object;
    if (object === undefined || inputs.health?.isCustom(row.key) !== true) return false;
    const health = inputs.health.of(object);
    if (sameJson(health, row.health)) return false;
    this.#rows.set(row.text, { ...row, health });
    return true;
  }

  /** The next update compares every row again: settings or schemas changed. Until then rows stay as they are. */
  invalidate(): void {
    for (const text of this.#rows.keys()) this.#stale.add(text);
  }
}

function sameLive(a: LiveEntry | undefined, b: LiveEntry | undefined): boolean {
  return (
    a === b ||
    (a !== undefined &&
      b !== undefined &&
      a.uid === b.uid &&
      a.resourceVersion === b.resourceVersion &&
      a.object !== undefined)
  );
}

function makeRow(
  inputs: TableInputs,
  ends: { key: ObjectKey; text: string; desired: DesiredObject | undefined; live: LiveEntry | undefined },
): Row {
  const { desired, live } = ends;
  const base = {
    ...ends,
    paths: [] as readonly string[],
    predicted: undefined,
    error: undefined,
    requiresPruning: false,
    ignored: false,
    isHook: false,
  };
  const health = live?.object ? (inputs.health ?? builtinHealth).of(live.object) : undefined;
  if (!desired) {
    const annotations = live?.object?.metadata.annotations;
    const isHook = annotations?.[annotation.hook] !== undefined || annotations?.[annotation.helmHook] !== undefined;
    const ignored = optionsOf(annotations?.[annotation.compareOptions]).has("IgnoreExtraneous");
    return {
      ...base,
      health,
      isHook,
      ignored,
      sync: isHook || ignored ? "Synced" : "OutOfSync",
      requiresPruning: !isHook,
    };
  }
  const ignored = optionsOf(desired.object.metadata.annotations?.[annotation.compareOptions]).has("IgnoreExtraneous");
  if (!live) return { ...base, ignored: false, sync: "OutOfSync", health: { status: "Missing" } };
  if (!live.object) return { ...base, ignored, sync: "Unknown", health, error: "the live object is not known yet" };
  const how = inputs.settingsFor(ends.key, desired.object);
  if ("error" in how) return { ...base, health, sync: "Unknown", error: how.error };
  const wanted = keepHookFinalizers(desired.object, live.object);
  const outcome = compare(wanted, live.object, inputs.schemaOf(desired.object), how);
  switch (outcome.outcome) {
    case "same":
      return { ...base, health, sync: "Synced" };
    case "differs":
      return { ...base, health, sync: "OutOfSync", paths: outcome.paths, predicted: outcome.predicted };
    case "unknown":
      return { ...base, health, sync: "Unknown", error: outcome.error };
  }
}

/** `A=true,B` → the set of names whose value is not false. */
function optionsOf(text: string | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  for (const part of (text ?? "").split(",")) {
    const [name = "", value] = part.trim().split("=");
    if (name !== "" && value !== "false") names.add(name);
  }
  return names;
}
