import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { DependencyGraph } from "./graph.ts";
import { parseDependsOn } from "./parse.ts";
import { cycleText, whyNotReady, type DependencyState } from "./ready.ts";

interface ParseCase {
  readonly name: string;
  readonly text: string;
  readonly names?: readonly string[];
  readonly selectors?: readonly string[];
  readonly problems?: readonly string[];
}
interface GraphCase {
  readonly name: string;
  readonly apps: Readonly<Record<string, string>>;
  readonly change?: Readonly<Record<string, string>>;
  readonly delete?: string;
  readonly touched?: readonly string[];
  readonly needs?: Readonly<Record<string, readonly string[]>>;
  readonly neededBy?: Readonly<Record<string, readonly string[]>>;
  readonly cycles?: Readonly<Record<string, readonly string[] | "none">>;
}
const read = (file: string): unknown =>
  parse(readFileSync(new URL(`cases/${file}`, import.meta.url), "utf8")) as unknown;
const named = <T extends { readonly name: string }>(file: string): (readonly [string, T])[] =>
  (read(file) as T[]).map((one) => [one.name, one] as const);

describe("the annotation", () => {
  test.each(named<ParseCase>("parse.yaml"))("%s", (_, { text, names = [], selectors = [], problems = [] }) => {
    const found = parseDependsOn(text, "argocd");
    expect({ ...found, selectors: found.selectors.map((one) => one.text) }).toEqual({ names, selectors, problems });
  });
});

const bare = (keys: readonly string[]): string[] => keys.map((key) => key.replace(/^n\//, ""));

function application(name: string, text: string): Parameters<DependencyGraph["set"]>[0] {
  const [dependsOn = "", labels = ""] = text.split("|").map((part) => part.trim());
  const pairs = labels === "" ? [] : labels.split(",").map((pair) => pair.split("=") as [string, string]);
  return { key: `n/${name}`, namespace: "n", labels: Object.fromEntries(pairs), dependsOn: dependsOn || undefined };
}

describe("the graph", () => {
  test.each(named<GraphCase>("graph.yaml"))("%s", (_, one) => {
    const graph = new DependencyGraph();
    for (const [name, text] of Object.entries(one.apps)) graph.set(application(name, text));
    const changed = Object.entries(one.change ?? {}).flatMap(([name, text]) => graph.set(application(name, text)));
    const gone = one.delete === undefined ? [] : graph.delete(`n/${one.delete}`);
    const asked = <T>(of: Readonly<Record<string, T>> | undefined, ask: (key: string) => unknown): unknown =>
      of && Object.fromEntries(Object.keys(of).map((name) => [name, ask(`n/${name}`)]));
    const cycle = (key: string): unknown => {
      const found = graph.cycleOf(key);
      return found ? bare(found) : "none";
    };
    expect({
      touched: one.touched && bare([...changed, ...gone]).toSorted(),
      needs: asked(one.needs, (key) => bare(graph.dependenciesOf(key))),
      neededBy: asked(one.neededBy, (key) => bare(graph.dependentsOf(key))),
      cycles: asked(one.cycles, cycle),
    }).toEqual({
      touched: one.touched && one.touched.toSorted(),
      needs: one.needs,
      neededBy: one.neededBy,
      cycles: one.cycles,
    });
  });

  test("a chain of 50,000 is asked through in one walk, and changes wake only neighbours", () => {
    const graph = new DependencyGraph();
    const count = 50_000;
    for (let i = 0; i < count; i++) graph.set(application(`a${i}`, i === 0 ? "" : `a${i - 1}`));
    const started = performance.now();
    for (let i = count - 1; i >= 0; i--) if (graph.cycleOf(`n/a${i}`)) throw new Error("no cycle is there");
    // Asking each anew would be a billion steps.
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(graph.dependentsOf("n/a100")).toEqual(["n/a101"]);
  }, 30_000);

  test("20,000 applications that select by label are taken in without asking each about each", () => {
    const graph = new DependencyGraph();
    const started = performance.now();
    for (let i = 0; i < 20_000; i++) graph.set(application(`a${i}`, `selector:app=a${i + 1} | app=a${i}`));
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(bare(graph.dependenciesOf("n/a7"))).toEqual(["a8"]);
  }, 30_000);
});

describe("a dependency", () => {
  test.each(named<{ name: string; state: DependencyState; why?: string }>("ready.yaml"))("%s", (_, { state, why }) => {
    expect(whyNotReady(state)).toBe(why);
  });
});

test("a cycle is told by its path", () => {
  expect(cycleText(["n/a", "n/b", "n/a"])).toBe("dependency cycle: n/a → n/b → n/a");
});
