// What a list or a stream of applications asks for: Argo CD's parameters, and ours beside them. Reads parameters only.
import { DriftlessError } from "#base/errors.ts";
import { inClusterName, inClusterServer } from "#model/names.ts";
import { parseSelector } from "#model/selector.ts";
import { facets, sortKeys, type Facet, type ListFilter, type SortKey } from "./listing-rows.ts";

/** Argo CD's parameters, by any transport. */
export interface ProtocolQuery {
  readonly name?: string;
  readonly projects?: readonly string[];
  readonly project?: readonly string[];
  readonly selector?: string;
  readonly repo?: string;
  readonly appNamespace?: string;
}

export type QueryParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface ListPage {
  readonly sort: SortKey;
  readonly descending: boolean;
  /** 0: everything. */
  readonly limit: number;
  readonly offset: number;
  /** The last row of the page before. */
  readonly after: string | undefined;
  readonly counts: readonly Facet[];
  /** Of each facet only so many values, the most frequent; 0: all. */
  readonly countsLimit: number;
  /** Whether any parameter of ours asks for more than Argo CD's answer. */
  readonly ours: boolean;
}

/** The filter that the parameters amount to. Error: INVALID_ARGUMENT with the field. */
export function filterOf(
  request: ProtocolQuery,
  parameters: QueryParameters,
  normaliseUrl: (url: string) => string,
): ListFilter {
  const { name = "", selector = "", appNamespace = "" } = request;
  const values: Partial<Record<Facet, readonly string[]>> = {
    project: [...(request.projects ?? []), ...(request.project ?? [])],
    repo: [...listOf(parameters["repo"]), request.repo ?? ""].filter(Boolean).map(normaliseUrl),
  };
  for (const facet of ["cluster", "namespace", "sync", "health", "label"] as const)
    values[facet] = listOf(parameters[facet]).flatMap((value) => value.split(","));
  values.cluster = values.cluster?.map((value) => (value === inClusterServer ? inClusterName : value)) ?? [];
  const chosen = facets.flatMap((facet) => {
    const wanted = (values[facet] ?? []).filter((value) => value !== "");
    return wanted.length === 0 ? [] : [{ facet, wanted: new Set(wanted) }];
  });
  const words = listOf(parameters["search"]).join(" ").toLowerCase().split(/\s+/).filter(Boolean);
  const told = chosen.map(({ facet, wanted }) => [facet, ...wanted]);
  return {
    id: JSON.stringify([name, appNamespace, selector, words, told]),
    name,
    appNamespace,
    labels: selector === "" ? undefined : parseSelector(selector),
    words,
    chosen,
  };
}

/** Which part of the list is wanted, in which order. Error: INVALID_ARGUMENT with the field. */
export function pageOf(parameters: QueryParameters): ListPage {
  const sortBy = lastOf(parameters["sortBy"]) ?? "name";
  const descending = sortBy.startsWith("-");
  const sort = sortKeys.find((key) => key === sortBy.replace(/^-/, ""));
  if (!sort) throw invalid("sortBy", `one of ${sortKeys.join(", ")} is expected, descending with a leading "-"`);
  const token = lastOf(parameters["continue"]) || undefined;
  const resumed = token === undefined ? undefined : readToken(token);
  return {
    sort,
    descending,
    limit: numberOf(parameters, "limit"),
    offset: resumed?.offset ?? numberOf(parameters, "offset"),
    after: resumed?.after,
    counts: countsOf(lastOf(parameters["counts"]) ?? ""),
    countsLimit: numberOf(parameters, "countsLimit"),
    ours: ["limit", "offset", "continue", "counts", "sortBy"].some((name) => parameters[name] !== undefined),
  };
}

/** The token that goes on behind a row. */
export function tokenOf(after: string, offset: number): string {
  return Buffer.from(JSON.stringify([after, offset])).toString("base64url");
}

function readToken(token: string): { readonly after: string; readonly offset: number } {
  try {
    const [after, offset] = JSON.parse(Buffer.from(token, "base64url").toString()) as [unknown, unknown];
    if (typeof after === "string" && Number.isSafeInteger(offset) && (offset as number) >= 0)
      return { after, offset: offset as number };
  } catch {
    // Told below.
  }
  throw invalid("continue", "the token that a page's metadata gave is expected");
}

function countsOf(text: string): readonly Facet[] {
  if (text === "" || text === "false") return [];
  if (text === "true") return facets;
  return text.split(",").map((name) => {
    const facet = facets.find((known) => known === name.trim());
    if (!facet) throw invalid("counts", `true, or some of ${facets.join(", ")}, is expected`);
    return facet;
  });
}

function numberOf(parameters: QueryParameters, name: string): number {
  const text = lastOf(parameters[name]) ?? "";
  if (!/^\d{0,9}$/.test(text)) throw invalid(name, "a number from 0 on is expected");
  return Number(text);
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}

function lastOf(value: string | readonly string[] | undefined): string | undefined {
  return listOf(value).at(-1);
}

function invalid(field: string, problem: string): DriftlessError {
  return new DriftlessError("INVALID_ARGUMENT", `${field}: ${problem}`, { details: { field } });
}
