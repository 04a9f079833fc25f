// What the list is filtered and sorted by, as the server is asked for it, and what its counts say. Pure.

export const facets = ["sync", "health", "project", "cluster", "namespace", "label", "repo"] as const;
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
  /** How many applications would be shown if this value of the facet alone were chosen. */
  readonly count: number;
}

export type Counts = Readonly<Record<Facet, readonly FacetCount[]>>;

export const noFilters: Filters = { text: "", chosen: {} };

const syncOrder = ["OutOfSync", "Unknown", "Synced"];
const healthOrder = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"];
/** Of each facet only so many values are counted: labels may have thousands. */
const valuesAtMost = 200;

/** Parameters of the server's list. */
export type ListParameters = Readonly<Record<string, string | readonly string[]>>;

/** The parameters that filters and order amount to. */
export function listParameters(filters: Filters, sort: Sort): ListParameters {
  const chosen = facets.flatMap((facet) => {
    const values = filters.chosen[facet] ?? [];
    return values.length > 0 ? [[facet, values] as const] : [];
  });
  const words = filters.text.trim().replace(/\s+/g, " ");
  return { ...Object.fromEntries(chosen), ...(words === "" ? {} : { search: words }), sortBy: sortBy(sort) };
}

/** Parameters that ask for the counts of every facet. */
export const countParameters: ListParameters = { counts: facets.join(","), countsLimit: String(valuesAtMost) };

/** By time the newest stand first, unless told otherwise; the server has the oldest first. */
function sortBy({ key, descending }: Sort): string {
  const down = key === "changed" || key === "created" ? !descending : descending;
  return `${down ? "-" : ""}${key === "status" ? "sync" : key}`;
}

/** The server's counts in the order in which they are shown; what is chosen stays in sight, so that it can be taken back. */
export function countsOf(
  counted: Readonly<Partial<Record<string, Readonly<Record<string, number>>>>>,
  { chosen }: Filters,
): Counts {
  const lists = facets.map((facet) => {
    const counts = new Map(Object.entries(counted[facet] ?? {}));
    for (const value of chosen[facet] ?? []) if (!counts.has(value)) counts.set(value, 0);
    return [facet, sorted(facet, counts)];
  });
  return Object.fromEntries(lists) as Counts;
}

function sorted(facet: Facet, counts: ReadonlyMap<string, number>): FacetCount[] {
  const order = facet === "sync" ? syncOrder : facet === "health" ? healthOrder : undefined;
  const list = [...counts].map(([value, count]) => ({ value, count }));
  return order
    ? list.sort((a, b) => order.indexOf(a.value) - order.indexOf(b.value))
    : list.sort((a, b) => b.count - a.count || byNumbers.compare(a.value, b.value));
}

/** `project-2` before `project-10`. */
const byNumbers = new Intl.Collator("en", { numeric: true });

export function isFiltered(filters: Filters): boolean {
  return filters.text.trim() !== "" || facets.some((facet) => (filters.chosen[facet]?.length ?? 0) > 0);
}

export function withChoice(filters: Filters, facet: Facet, values: readonly string[]): Filters {
  return { ...filters, chosen: { ...filters.chosen, [facet]: values } };
}

export function toggled(values: readonly string[] | undefined, value: string): readonly string[] {
  const now = values ?? [];
  return now.includes(value) ? now.filter((item) => item !== value) : [...now, value];
}
