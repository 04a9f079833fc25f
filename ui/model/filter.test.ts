import { describe, expect, it } from "vitest";
import {
  countsOf,
  isFiltered,
  listParameters,
  noFilters,
  toggled,
  withChoice,
  type Facet,
  type Filters,
  type ListParameters,
  type Sort,
} from "./filter.ts";

const choose = (chosen: Partial<Record<Facet, readonly string[]>>, text = ""): Filters => ({ text, chosen });
const byName: Sort = { key: "name", descending: false };

describe("what the server is asked for", () => {
  it.each<[string, Filters, Sort, ListParameters]>([
    ["everything", noFilters, byName, { sortBy: "name" }],
    ["names downwards", noFilters, { key: "name", descending: true }, { sortBy: "-name" }],
    ["problems first", noFilters, { key: "status", descending: false }, { sortBy: "sync" }],
    ["the newest first", noFilters, { key: "changed", descending: false }, { sortBy: "-changed" }],
    ["the oldest first", noFilters, { key: "created", descending: true }, { sortBy: "created" }],
    ["words", choose({}, "  shop   API "), byName, { search: "shop API", sortBy: "name" }],
    [
      "values of several facets",
      choose({ sync: ["OutOfSync", "Unknown"], label: ["team=a"], repo: [] }),
      byName,
      { sync: ["OutOfSync", "Unknown"], label: ["team=a"], sortBy: "name" },
    ],
  ])("%s", (_title, filters, sort, expected) => expect(listParameters(filters, sort)).toEqual(expected));
});

describe("what the server has counted", () => {
  it("puts problems first among sync and health values, and else what is frequent", () => {
    const counts = countsOf(
      {
        sync: { Synced: 9, OutOfSync: 1 },
        health: { Healthy: 1, Degraded: 2, Progressing: 3 },
        project: { "p-10": 1, "p-2": 1, shop: 7 },
      },
      noFilters,
    );
    expect(counts.sync.map(({ value }) => value)).toEqual(["OutOfSync", "Synced"]);
    expect(counts.health.map(({ value }) => value)).toEqual(["Degraded", "Progressing", "Healthy"]);
    expect(counts.project.map(({ value }) => value)).toEqual(["shop", "p-2", "p-10"]);
    expect(counts.label).toEqual([]);
  });
  it("keeps a chosen value in sight when nothing matches it any more", () => {
    expect(countsOf({}, choose({ cluster: ["gone"] })).cluster).toEqual([{ value: "gone", count: 0 }]);
  });
});

describe("choosing", () => {
  it("adds, and takes back", () => {
    expect(toggled(undefined, "a")).toEqual(["a"]);
    expect(toggled(["a", "b"], "a")).toEqual(["b"]);
    expect(withChoice(noFilters, "sync", ["Synced"]).chosen.sync).toEqual(["Synced"]);
  });
  it("blanks ask for nothing", () => {
    expect([isFiltered(choose({}, "  ")), isFiltered(choose({ sync: ["Synced"] }))]).toEqual([false, true]);
  });
});
