// The list's state in the address, so that a view can be sent to a colleague and Back works. Pure.
import { facets, sortKeys, type Facet, type Filters, type Sort, type SortKey } from "./filter.ts";

export type ListView = "tiles" | "table";

export interface ListState {
  readonly filters: Filters;
  readonly sort: Sort;
  /** Undefined: as the person last had it. */
  readonly view: ListView | undefined;
}

export function readListState(search: string): ListState {
  const params = new URLSearchParams(search);
  const chosen: Partial<Record<Facet, readonly string[]>> = {};
  for (const facet of facets) {
    const values = params.getAll(facet).filter(Boolean);
    if (values.length > 0) chosen[facet] = values;
  }
  const [key = "", direction] = (params.get("sort") ?? "").split(":");
  const known = sortKeys.includes(key as SortKey);
  const view = params.get("view");
  return {
    filters: { text: params.get("q") ?? "", chosen },
    sort: { key: known ? (key as SortKey) : "name", descending: known && direction === "desc" },
    view: view === "table" || view === "tiles" ? view : undefined,
  };
}

/** The query text, without "?"; empty for the state that nothing was asked of. */
export function writeListState(state: ListState): string {
  const params = new URLSearchParams();
  if (state.filters.text !== "") params.set("q", state.filters.text);
  for (const facet of facets) {
    for (const value of state.filters.chosen[facet] ?? []) params.append(facet, value);
  }
  const { key, descending } = state.sort;
  if (key !== "name" || descending) params.set("sort", descending ? `${key}:desc` : key);
  if (state.view) params.set("view", state.view);
  return params.toString();
}
