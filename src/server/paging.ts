// Pages of the short lists (projects, clusters, repositories), with the parameters that lists of applications have. What
// the caller may not see has been taken out before. Pure.
import { DriftlessError } from "#base/errors.ts";
import { pageOf, tokenOf } from "./application/listing/listing-query.ts";
import type { Call } from "./rpc/service.ts";

export interface Paged<T> {
  readonly items: readonly T[];
  /** For the list's metadata: nothing where nothing of ours was asked for. */
  readonly metadata: {
    readonly total?: number;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

/**
 * Takes items in their order, and the texts of each that `search` looks through, the first being its name, which no other
 * has; returns the page that the call asks for. Error: INVALID_ARGUMENT with the field.
 */
export function paged<T>(
  call: Pick<Call, "query">,
  items: readonly T[],
  textsOf: (item: T) => readonly string[],
): Paged<T> {
  const query = call.query ?? {};
  const page = pageOf(query);
  if (page.sort !== "name")
    throw new DriftlessError("INVALID_ARGUMENT", "sortBy: this list is sorted by name, or -name", {
      details: { field: "sortBy" },
    });
  const words = [query["search"] ?? ""].flat().join(" ").toLowerCase().split(/\s+/).filter(Boolean);
  const found = items.filter((item) => {
    const text = words.length === 0 ? "" : textsOf(item).join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  if (page.descending) found.reverse();
  const after = found.findIndex((item) => textsOf(item)[0] === page.after);
  const start = after >= 0 ? after + 1 : Math.min(page.offset, found.length);
  const end = page.limit === 0 ? found.length : Math.min(found.length, start + page.limit);
  const rest = found.length - end;
  const last = found[end - 1];
  return {
    items: found.slice(start, end),
    metadata: {
      ...(page.ours || words.length > 0 ? { total: found.length } : {}),
      ...(rest > 0 && last !== undefined
        ? { continue: tokenOf(textsOf(last)[0] ?? "", end), remainingItemCount: rest }
        : {}),
    },
  };
}
