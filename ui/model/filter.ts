// Filtering, counting and sorting of the list. Pure; one pass over the rows, whatever the number of filters.
import type { AppRow } from "./row.ts";

export const facets = ["sync", "health", "project", "cluster", "destination", "label", "repo"] as const;
export type Facet = (typeof facets)[number];

export interface Filters {
  readonly text: string;
  /** Values chosen of each facet: any of them is enough; none chosen lets everything through. */
  readonly chosen: Readonly<Partial<Record<Facet, readonly string[]>>>;
}

export const sortKeys = ["name", "status", "health", "project", "cluster", "changed", "created"] as const;
export type SortKey = (typeof sortKeys)[number];

export interface Sort {
  readonly key: SortKey;
  readonly descending: boolean;
}

export interface FacetCount {
  readonly value: string;
  /** How many rows would be shown if this value of the facet alone were chosen. */
  readonly count: number;
}

export interface Filtered {
  readonly rows: readonly AppRow[];
  readonly counts: Readonly<Record<Facet, readonly FacetCount[]>>;
}

export const noFilters: Filters = { text: "", chosen: {} };

const syncOrder = ["OutOfSync", "Unknown", "Synced"];
const healthOrder = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"];

function valuesOf(row: AppRow, facet: Facet): string | readonly string[] {
  return facet === "label" ? row.labels : row[facet];
}

/** Takes rows in their order and filters; returns the rows that pass, in that order, and what each facet would give. */
export function filterRows(rows: readonly AppRow[], filters: Filters): Filtered {
  const words = filters.text.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = facets.map((facet) => new Set(filters.chosen[facet] ?? []));
  const tallies: Tally[] = facets.map(() => new Map());
  const passed: AppRow[] = [];
  for (const row of rows) {
    if (!words.every((word) => row.haystack.includes(word))) continue;
    // A row counts for a facet if no other facet refuses it, so remember how many refuse and which.
    let refusals = 0;
    let refusedBy = -1;
    for (let i = 0; i < facets.length && refusals < 2; i++) {
      const wanted = chosen[i]!;
      if (wanted.size === 0 || matches(valuesOf(row, facets[i]!), wanted)) continue;
      refusals++;
      refusedBy = i;
    }
    if (refusals === 0) {
      passed.push(row);
      for (let i = 0; i < facets.length; i++) tally(tallies[i]!, valuesOf(row, facets[i]!));
    } else if (refusals === 1) tally(tallies[refusedBy]!, valuesOf(row, facets[refusedBy]!));
  }
  const counts = Object.fromEntries(
    facets.map((facet, i) => [facet, sortedCounts(facet, tallies[i]!, filters.chosen[facet] ?? [])]),
  ) as unknown as Record<Facet, readonly FacetCount[]>;
  return { rows: passed, counts };
}

function matches(values: string | readonly string[], wanted: ReadonlySet<string>): boolean {
  return typeof values === "string" ? wanted.has(values) : values.some((value) => wanted.has(value));
}

/** Counts in boxes, so that counting one more is one look-up. */
type Tally = Map<string, { count: number }>;

function tally(counts: Tally, values: string | readonly string[]): void {
  if (typeof values === "string") count(counts, values);
  else for (const value of values) count(counts, value);
}

function count(counts: Tally, value: string): void {
  const box = counts.get(value);
  if (box) box.count++;
  else if (value !== "") counts.set(value, { count: 1 });
}

function sortedCounts(facet: Facet, counts: Tally, chosen: readonly string[]): FacetCount[] {
  // What is chosen stays in sight, so that it can be taken back.
  for (const value of chosen) if (!counts.has(value)) counts.set(value, { count: 0 });
  const order = facet === "sync" ? syncOrder : facet === "health" ? healthOrder : undefined;
  const list = [...counts].map(([value, box]) => ({ value, count: box.count }));
  return order
    ? list.sort((a, b) => order.indexOf(a.value) - order.indexOf(b.value))
    : list.sort((a, b) => b.count - a.count || byNumbers.compare(a.value, b.value));
}

/** `project-2` before `project-10`. */
const byNumbers = new Intl.Collator("en", { numeric: true });
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Takes rows; returns them in the wanted order, ties by name. Problems stand first when sorted by status or health. */
export function sortRows(rows: readonly AppRow[], sort: Sort): readonly AppRow[] {
  const byName = (a: AppRow, b: AppRow): number => compareText(a.name, b.name) || compareText(a.namespace, b.namespace);
  const compare: Record<SortKey, (a: AppRow, b: AppRow) => number> = {
    name: byName,
    status: (a, b) => syncOrder.indexOf(a.sync) - syncOrder.indexOf(b.sync) || worse(a, b),
    health: (a, b) => worse(a, b) || syncOrder.indexOf(a.sync) - syncOrder.indexOf(b.sync),
    project: (a, b) => compareText(a.project, b.project),
    cluster: (a, b) => compareText(a.cluster, b.cluster) || compareText(a.destination, b.destination),
    changed: (a, b) => b.changedAtMs - a.changedAtMs,
    created: (a, b) => b.createdAtMs - a.createdAtMs,
  };
  const wanted = compare[sort.key];
  const sign = sort.descending ? -1 : 1;
  return [...rows].sort((a, b) => sign * wanted(a, b) || byName(a, b));
}

function worse(a: AppRow, b: AppRow): number {
  return healthOrder.indexOf(a.health) - healthOrder.indexOf(b.health);
}

export function isFiltered(filters: Filters): boolean {
  return filters.text !== "" || facets.some((facet) => (filters.chosen[facet]?.length ?? 0) > 0);
}

export function withChoice(filters: Filters, facet: Facet, values: readonly string[]): Filters {
  return { ...filters, chosen: { ...filters.chosen, [facet]: values } };
}

export function toggled(values: readonly string[] | undefined, value: string): readonly string[] {
  const now = values ?? [];
  return now.includes(value) ? now.filter((item) => item !== value) : [...now, value];
}
