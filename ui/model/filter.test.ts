import { describe, expect, it } from "vitest";
import { filterRows, noFilters, sortRows, toggled, withChoice, type Facet, type Filters } from "./filter.ts";
import { rowOf } from "./row.ts";
import { application } from "./testing.ts";

const rows = [
  application({ name: "api", sync: "OutOfSync", project: "shop", labels: { team: "a", tier: "web" } }),
  application({ name: "cart", health: "Degraded", project: "shop", labels: { team: "b" }, cluster: "eu-1" }),
  application({ name: "docs", repo: "git@git.example.com:docs/site.git", changedAt: "2030-01-02T03:04:05Z" }),
  application({ name: "queue", sync: "Unknown", health: "Unknown", cluster: "eu-1", labels: { team: "a" } }),
].map(rowOf);

const choose = (chosen: Partial<Record<Facet, readonly string[]>>, text = ""): Filters => ({ text, chosen });
const names = (filters: Filters): string =>
  filterRows(rows, filters)
    .rows.map((row) => row.name)
    .join(" ");
const count = (filters: Filters, facet: Facet, value: string): number | undefined =>
  filterRows(rows, filters).counts[facet].find((each) => each.value === value)?.count;

describe("filtering applications", () => {
  it.each<[string, Filters, string]>([
    ["nothing asked: all", noFilters, "api cart docs queue"],
    ["one value", choose({ sync: ["OutOfSync"] }), "api"],
    ["several values of one facet: any of them", choose({ sync: ["OutOfSync", "Unknown"] }), "api queue"],
    ["several facets: all of them", choose({ project: ["shop"], health: ["Degraded"] }), "cart"],
    ["a label", choose({ label: ["team=a"] }), "api queue"],
    ["a value that nothing has", choose({ project: ["none"] }), ""],
    ["words in any order, any case", choose({}, "GIT@ docs"), "docs"],
    ["a word of the revision", choose({}, "0123456"), "api cart docs queue"],
    ["a word that only a label has", choose({}, "tier=web"), "api"],
    ["text and facet", choose({ cluster: ["eu-1"] }, "qu"), "queue"],
  ])("%s", (_title, filters, expected) => expect(names(filters)).toBe(expected));

  it("counts what each value alone would show, whatever is chosen of its own facet", () => {
    const filters = choose({ sync: ["OutOfSync"], project: ["shop"] });
    expect(count(filters, "sync", "OutOfSync")).toBe(1);
    expect(count(filters, "sync", "Synced")).toBe(1);
    expect(count(filters, "project", "default")).toBeUndefined();
    expect(count(filters, "health", "Healthy")).toBe(1);
    expect(count(filters, "health", "Degraded")).toBeUndefined();
  });
  it("keeps a chosen value in sight when nothing matches it any more", () => {
    expect(count(choose({ cluster: ["gone"] }), "cluster", "gone")).toBe(0);
  });
  it("puts problems first among sync and health values", () => {
    expect(filterRows(rows, noFilters).counts.sync.map((each) => each.value)).toEqual([
      "OutOfSync",
      "Unknown",
      "Synced",
    ]);
    expect(filterRows(rows, noFilters).counts.health[0]?.value).toBe("Degraded");
  });
});

describe("sorting applications", () => {
  it.each([
    ["name", false, "api cart docs queue"],
    ["name", true, "queue docs cart api"],
    ["status", false, "api queue cart docs"],
    ["health", false, "cart queue api docs"],
    ["changed", false, "docs api cart queue"],
    ["cluster", false, "cart queue api docs"],
    ["project", false, "docs queue api cart"],
  ] as const)("by %s, descending: %s", (key, descending, expected) =>
    expect(
      sortRows(rows, { key, descending })
        .map((row) => row.name)
        .join(" "),
    ).toBe(expected),
  );
});

describe("choosing", () => {
  it("adds, and takes back", () => {
    expect(toggled(undefined, "a")).toEqual(["a"]);
    expect(toggled(["a", "b"], "a")).toEqual(["b"]);
    expect(withChoice(noFilters, "sync", ["Synced"]).chosen.sync).toEqual(["Synced"]);
  });
});
