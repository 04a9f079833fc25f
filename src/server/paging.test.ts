import { describe, expect, it } from "vitest";
import { paged } from "./paging.ts";

const items = ["alpha", "beta", "delta", "gamma"];
const page = (query: Record<string, string>) => paged({ query }, items, (item) => [item, `the ${item}`]);

describe("a page of a short list", () => {
  it("is everything for those who ask for nothing of ours", () => {
    expect(paged({}, items, (item) => [item])).toEqual({ items, metadata: {} });
  });

  it("goes on behind the one before", () => {
    const first = page({ limit: "3" });
    expect(first).toMatchObject({ items: ["alpha", "beta", "delta"], metadata: { total: 4, remainingItemCount: 1 } });
    const token = first.metadata.continue ?? "";
    expect(page({ limit: "3", continue: token })).toEqual({ items: ["gamma"], metadata: { total: 4 } });
    const without = items.filter((item) => item !== "alpha");
    expect(paged({ query: { continue: token } }, without, (item) => [item]).items).toEqual(["gamma"]);
  });

  it("is searched and turned round", () => {
    expect(page({ search: "THE ta" })).toEqual({ items: ["beta", "delta"], metadata: { total: 2 } });
    expect(page({ sortBy: "-name", limit: "1" }).items).toEqual(["gamma"]);
  });

  it.each<Record<string, string>>([{ sortBy: "health" }, { limit: "many" }])("of %o is refused", (query) => {
    expect(() => page(query)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
