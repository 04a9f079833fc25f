// What lists are filtered, sorted and counted by, worked out once for each state of an application; and the orders, kept
// so that a change costs one pass. Knows neither callers nor answers.
import { redactUrls } from "#base/redact.ts";
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
  readonly createdMs: number;
  /** When a sync last ended or began; 0 where there was none. */
  readonly changedMs: number;
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
  // A password is nobody's to search for.
  const places = sources.flatMap(({ repoURL, path = "", chart = "", targetRevision = "" }) => [
    redactUrls(repoURL),
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
    createdMs: msOf(metadata.creationTimestamp),
    changedMs: msOf(operation?.finishedAt ?? operation?.startedAt),
    values,
    haystack: words.join("\n").toLowerCase(),
  };
}

function msOf(time: string | null | undefined): number {
  return (time ? Date.parse(time) : 0) || 0;
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
const first = (row: Row, facet: Facet): string => row.values[facet][0] ?? "";

type Rank = string | number;

/** What rows are sorted by: problems stand first by status and health, the oldest first by time. */
const ranks: Readonly<Record<SortKey, (row: Row) => Rank>> = {
  name: ({ key }) => key,
  project: (row) => first(row, "project"),
  cluster: (row) => `${first(row, "cluster")}\0${first(row, "namespace")}`,
  sync: (row) => syncOrder.indexOf(first(row, "sync")),
  health: (row) => healthOrder.indexOf(first(row, "health")),
  created: ({ createdMs }) => createdMs,
  changed: ({ changedMs }) => changedMs,
};

/** For ranks of one kind: all texts or all numbers. */
const compareRanks = (a: Rank, b: Rank): number => (a < b ? -1 : a > b ? 1 : 0);

/** Where the row of one application stands, whatever it is at the moment. */
interface Slot {
  readonly index: number;
  row: Row;
}

/** So many filters' verdicts are kept. */
const filtersKept = 128;
/** An order in which more rows than this moved is made anew. */
const mendedAtOnce = 500;
/** By their number less one; 0 is what is not known yet. */
const verdicts: readonly Verdict[] = ["passes", "fails", ...facets];

interface Order {
  readonly sort: SortKey;
  readonly descending: boolean;
  slots: Slot[];
  /** What stands elsewhere by now, or came or went. */
  readonly moved: Set<Slot>;
}

/** All rows, in whatever order is asked for; orders are kept, and mended where changes moved rows. */
export class Rows {
  readonly #slots = new Map<string, Slot>();
  readonly #orders = new Map<string, Order>();
  /** What filters that were asked for lately say of the row of each slot, as far as it is known. */
  readonly #verdicts = new Map<string, { codes: Uint8Array }>();
  readonly #free: number[] = [];

  set(row: Row): void {
    const slot = this.#slots.get(row.key);
    if (!slot) {
      const fresh: Slot = { index: this.#free.pop() ?? this.#slots.size, row };
      this.#slots.set(row.key, fresh);
      for (const { moved } of this.#orders.values()) moved.add(fresh);
      return;
    }
    this.#forget(slot);
    for (const { sort, moved } of this.#orders.values())
      if (ranks[sort](slot.row) !== ranks[sort](row)) moved.add(slot);
    slot.row = row;
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    this.#slots.delete(key);
    this.#forget(slot);
    this.#free.push(slot.index);
    for (const { moved } of this.#orders.values()) moved.add(slot);
  }

  /** What a filter says of the row in a slot. */
  verdictsOf(filter: ListFilter): (slot: Slot) => Verdict {
    const known = this.#verdicts.get(filter.id) ?? { codes: new Uint8Array(0) };
    this.#verdicts.delete(filter.id);
    this.#verdicts.set(filter.id, known);
    for (const oldest of this.#verdicts.keys()) {
      if (this.#verdicts.size <= filtersKept) break;
      this.#verdicts.delete(oldest);
    }
    const highest = this.#slots.size + this.#free.length;
    if (known.codes.length < highest) {
      const { codes } = known;
      known.codes = new Uint8Array(highest + 256);
      known.codes.set(codes);
    }
    const { codes } = known;
    return ({ index, row }) => {
      const code = codes[index] ?? 0;
      if (code !== 0) return verdicts[code - 1]!;
      const said = verdict(row, filter);
      codes[index] = verdicts.indexOf(said) + 1;
      return said;
    };
  }

  #forget({ index }: Slot): void {
    for (const { codes } of this.#verdicts.values()) if (index < codes.length) codes[index] = 0;
  }

  /** Every row in this order, names ascending among equals (also in a descending order, but by name itself). */
  sorted(sort: SortKey, descending: boolean): readonly Slot[] {
    const id = `${sort} ${descending}`;
    let order = this.#orders.get(id);
    if (!order)
      this.#orders.set(id, (order = { sort, descending, slots: this.#made(sort, descending), moved: new Set() }));
    else if (order.moved.size > mendedAtOnce) order.slots = this.#made(sort, descending);
    else if (order.moved.size > 0) order.slots = this.#mended(order);
    order.moved.clear();
    return order.slots;
  }

  /** By name the rows are sorted; by anything else they are taken in the order of names and put with their equals. */
  #made(sort: SortKey, descending: boolean): Slot[] {
    const sign = descending ? -1 : 1;
    if (sort === "name") return [...this.#slots.values()].sort((a, b) => sign * compareRanks(a.row.key, b.row.key));
    const rank = ranks[sort];
    const equals = new Map<Rank, Slot[]>();
    for (const slot of this.sorted("name", false)) {
      const mine = rank(slot.row);
      const others = equals.get(mine);
      if (others) others.push(slot);
      else equals.set(mine, [slot]);
    }
    const inOrder = [...equals.keys()].sort((a, b) => sign * compareRanks(a, b));
    return inOrder.flatMap((mine) => equals.get(mine)!);
  }

  /** What moved is taken out, and put where it belongs. */
  #mended({ sort, descending, slots, moved }: Order): Slot[] {
    const compare = comparisonOf(sort, descending);
    const mended = slots.filter((slot) => !moved.has(slot));
    for (const slot of moved)
      if (this.#slots.get(slot.row.key) === slot) mended.splice(placeOf(mended, slot, compare), 0, slot);
    return mended;
  }
}

function comparisonOf(sort: SortKey, descending: boolean): (a: Slot, b: Slot) => number {
  const sign = descending ? -1 : 1;
  const rank = ranks[sort];
  return (a, b) => sign * compareRanks(rank(a.row), rank(b.row)) || compareRanks(a.row.key, b.row.key);
}

/** Before which of the sorted slots a slot belongs. */
function placeOf(sorted: readonly Slot[], slot: Slot, compare: (a: Slot, b: Slot) => number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(sorted[middle]!, slot) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
