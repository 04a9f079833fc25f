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
  /** "" for any. */
  readonly name: string;
  readonly appNamespace: string;
  readonly labels: Selector | undefined;
  /** Each has to be found, in lower case. */
  readonly words: readonly string[];
  /** Any of a facet's values is enough; facets that are not there let everything through. */
  readonly chosen: Readonly<Partial<Record<Facet, ReadonlySet<string>>>>;
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

/** How many of the filter's facets refuse a row, and the last that does; undefined where it fails for another reason. */
export function refusals(
  row: Row,
  filter: ListFilter,
): { readonly count: number; readonly facet: Facet | undefined } | undefined {
  if (filter.name !== "" && row.name !== filter.name) return undefined;
  if (filter.appNamespace !== "" && row.appNamespace !== filter.appNamespace) return undefined;
  if (filter.labels?.matches(row.app.metadata.labels ?? {}) === false) return undefined;
  for (const word of filter.words) if (!row.haystack.includes(word)) return undefined;
  let count = 0;
  let refused: Facet | undefined;
  for (const facet in filter.chosen) {
    const wanted = filter.chosen[facet as Facet]!;
    if (row.values[facet as Facet].some((value) => wanted.has(value))) continue;
    count++;
    refused = facet as Facet;
  }
  return count === 0 ? passes : { count, facet: refused };
}

const passes = { count: 0, facet: undefined };

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

/** All rows, in whatever order is asked for; orders are kept, and mended where rows have changed. */
export class Rows {
  readonly #rows = new Map<string, Row>();
  readonly #orders = new Map<string, { version: number; rows: readonly Row[] }>();
  #version = 0;

  set(row: Row): void {
    this.#rows.set(row.key, row);
    this.#version++;
  }

  delete(key: string): void {
    this.#rows.delete(key);
    this.#version++;
  }

  /** Every row in this order, names ascending among equals (also in a descending order, but by name itself). */
  sorted(sort: SortKey, descending: boolean): readonly Row[] {
    const id = `${sort} ${descending}`;
    const known = this.#orders.get(id);
    if (known?.version === this.#version) return known.rows;
    // Nearly in order as they stand, which sorting makes use of.
    const rows: Row[] = [];
    const missing = new Set(this.#rows.keys());
    for (const { key } of known?.rows ?? []) {
      const row = this.#rows.get(key);
      if (row && missing.delete(key)) rows.push(row);
    }
    for (const key of missing) rows.push(this.#rows.get(key)!);
    const sign = descending ? -1 : 1;
    const compare = comparisons[sort];
    const nameSign = sort === "name" ? sign : 1;
    rows.sort((a, b) => sign * compare(a, b) || nameSign * compareText(a.key, b.key));
    this.#orders.set(id, { version: this.#version, rows });
    return rows;
  }
}
