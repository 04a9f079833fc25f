// What lists are filtered, sorted and counted by, worked out once for each state of an application; and the orders, kept
// so that a change costs one pass. Knows neither callers nor answers.
import { sourcesOf, type Application } from "#model/application.ts";
import { inClusterName, inClusterServer } from "#model/names.ts";
import type { Selector } from "#model/selector.ts";

export const facets = ["sync", "health", "project", "cluster", "namespace", "repo", "label"] as const;
export type Facet = (typeof facets)[number];
export const sortKeys = ["name", "project", "cluster", "sync", "health", "created", "changed"] as const;
export type SortKey = (typeof sortKeys)[number];

export interface ListFilter {
  /** Equal for filters that say the same. */
  readonly id: string;
  /** "" for any. */
  readonly name: string;
  readonly appNamespace: string;
  readonly labels: Selector | undefined;
  /** Each has to be found, in lower case. */
  readonly words: readonly string[];
  /** Any of a facet's values is enough; facets that are not there let everything through. */
  readonly chosen: readonly { readonly facet: Facet; readonly wanted: ReadonlySet<string> }[];
}

export interface Row {
  readonly app: Application;
  /** `name/namespace` of the Application: the order of names. */
  readonly key: string;
  readonly name: string;
  readonly appNamespace: string;
  readonly created: string;
  /** When a sync last ended or began; "" where there was none. */
  readonly changed: string;
  readonly values: Readonly<Record<Facet, readonly string[]>>;
  /** Everything that `search` looks through, in lower case. */
  readonly haystack: string;
}

/** Takes an application; returns its row. `normaliseUrl` gives equal texts for URLs of the same repository. */
export function rowOf(app: Application, normaliseUrl: (url: string) => string): Row {
  const { metadata, spec, status } = app;
  const { name = "", namespace = "" } = metadata;
  const sources = sourcesOf(spec);
  const { name: cluster, server = "", namespace: destination = "" } = spec.destination ?? {};
  const operation = status?.operationState;
  const values: Row["values"] = {
    sync: [status?.sync?.status ?? "Unknown"],
    health: [status?.health?.status ?? "Unknown"],
    project: [spec.project || "default"],
    cluster: [cluster || (server === "" || server === inClusterServer ? inClusterName : server)],
    namespace: destination === "" ? [] : [destination],
    repo: [...new Set(sources.map(({ repoURL }) => normaliseUrl(repoURL)))],
    label: Object.entries(metadata.labels ?? {}).map(([label, value]) => `${label}=${value}`),
  };
  const places = sources.flatMap(({ repoURL, path = "", chart = "", targetRevision = "" }) => [
    repoURL,
    path,
    chart,
    targetRevision,
  ]);
  const { project, cluster: where, label } = values;
  const words = [name, namespace, ...project, ...where, destination, status?.sync?.revision ?? "", ...places, ...label];
  return {
    app,
    key: `${name}/${namespace}`,
    name,
    appNamespace: namespace,
    created: metadata.creationTimestamp ?? "",
    changed: operation?.finishedAt ?? operation?.startedAt ?? "",
    values,
    haystack: words.join("\n").toLowerCase(),
  };
}

export type Verdict = "passes" | "fails" | Facet;

/** What a filter says of a row: it passes, it fails, or it fails by one facet alone, which is then given. */
export function verdict(row: Row, filter: ListFilter): Verdict {
  if (filter.name !== "" && row.name !== filter.name) return "fails";
  if (filter.appNamespace !== "" && row.appNamespace !== filter.appNamespace) return "fails";
  if (filter.labels?.matches(row.app.metadata.labels ?? {}) === false) return "fails";
  let refusedBy: Facet | undefined;
  for (const { facet, wanted } of filter.chosen) {
    if (hasAny(row.values[facet], wanted)) continue;
    if (refusedBy) return "fails";
    refusedBy = facet;
  }
  for (const word of filter.words) if (!row.haystack.includes(word)) return "fails";
  return refusedBy ?? "passes";
}

function hasAny(values: readonly string[], wanted: ReadonlySet<string>): boolean {
  for (const value of values) if (wanted.has(value)) return true;
  return false;
}

const syncOrder = ["OutOfSync", "Unknown", "Synced"];
const healthOrder = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"];
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const first = (row: Row, facet: Facet): string => row.values[facet][0] ?? "";

/** Problems stand first by status and health, the oldest first by time; equal ones by name. */
const comparisons: Readonly<Record<SortKey, (a: Row, b: Row) => number>> = {
  name: () => 0,
  project: (a, b) => compareText(first(a, "project"), first(b, "project")),
  cluster: (a, b) =>
    compareText(first(a, "cluster"), first(b, "cluster")) || compareText(first(a, "namespace"), first(b, "namespace")),
  sync: (a, b) => syncOrder.indexOf(first(a, "sync")) - syncOrder.indexOf(first(b, "sync")),
  health: (a, b) => healthOrder.indexOf(first(a, "health")) - healthOrder.indexOf(first(b, "health")),
  created: (a, b) => compareText(a.created, b.created),
  changed: (a, b) => compareText(a.changed, b.changed),
};

/** Where the row of one application stands, whatever it is at the moment. */
interface Slot {
  readonly index: number;
  row: Row;
}

/** So many filters' verdicts are kept. */
const filtersKept = 32;

interface Order {
  readonly compare: (a: Row, b: Row) => number;
  slots: readonly Slot[];
  /** A row stands elsewhere by now, or came or went. */
  stale: boolean;
}

/** All rows, in whatever order is asked for; orders are kept, and mended where a change moved a row. */
export class Rows {
  readonly #slots = new Map<string, Slot>();
  readonly #orders = new Map<string, Order>();
  /** What filters that were asked for lately say of the row of each slot, as far as it is known. */
  readonly #verdicts = new Map<string, (Verdict | undefined)[]>();
  readonly #free: number[] = [];

  set(row: Row): void {
    const slot = this.#slots.get(row.key);
    if (slot) this.#forget(slot);
    else this.#slots.set(row.key, { index: this.#free.pop() ?? this.#slots.size, row });
    for (const order of this.#orders.values()) order.stale ||= !slot || order.compare(slot.row, row) !== 0;
    if (slot) slot.row = row;
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    this.#slots.delete(key);
    this.#forget(slot);
    this.#free.push(slot.index);
    for (const order of this.#orders.values()) order.stale = true;
  }

  /** What a filter says of the row in a slot. */
  verdictsOf(filter: ListFilter): (slot: Slot) => Verdict {
    const known = this.#verdicts.get(filter.id) ?? [];
    this.#verdicts.delete(filter.id);
    this.#verdicts.set(filter.id, known);
    for (const oldest of this.#verdicts.keys()) {
      if (this.#verdicts.size <= filtersKept) break;
      this.#verdicts.delete(oldest);
    }
    return ({ index, row }) => (known[index] ??= verdict(row, filter));
  }

  #forget({ index }: Slot): void {
    for (const known of this.#verdicts.values()) if (index < known.length) known[index] = undefined;
  }

  /** Every row in this order, names ascending among equals (also in a descending order, but by name itself). */
  sorted(sort: SortKey, descending: boolean): readonly Slot[] {
    const id = `${sort} ${descending}`;
    let order = this.#orders.get(id);
    if (!order) this.#orders.set(id, (order = { compare: comparisonOf(sort, descending), slots: [], stale: true }));
    if (!order.stale) return order.slots;
    // Nearly in order as they stand, which sorting makes use of.
    const missing = new Set(this.#slots.values());
    const slots = order.slots.filter((slot) => missing.delete(slot));
    slots.push(...missing);
    const { compare } = order;
    order.slots = slots.sort((a, b) => compare(a.row, b.row));
    order.stale = false;
    return order.slots;
  }
}

function comparisonOf(sort: SortKey, descending: boolean): (a: Row, b: Row) => number {
  const sign = descending ? -1 : 1;
  const compare = comparisons[sort];
  const nameSign = sort === "name" ? sign : 1;
  return (a, b) => sign * compare(a, b) || nameSign * compareText(a.key, b.key);
}
