// Holds the tables of docs/guides/health.md and actions.md against the rules and actions that there are.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { builtinActions } from "../src/core/actions/actions.ts";
import { allRules } from "../src/core/health/registry.ts";

const read = (file: string): string => readFileSync(new URL(`../docs/guides/${file}`, import.meta.url), "utf8");

test("docs/guides/health.md lists the kinds of every rule, by group", () => {
  const groups = new Map<string, Set<string>>();
  for (const kind of allRules.flatMap(({ kinds }) => kinds)) {
    const slash = kind.indexOf("/");
    const [group, name] = [kind.slice(0, slash), kind.slice(slash + 1)];
    const names = groups.get(group) ?? new Set();
    groups.set(group, names.add(name === "*" ? "every kind" : name));
  }
  const wanted = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, names]) => `| \`${group}\` | ${[...names].sort().join(", ")} |`);
  const section = read("health.md").split("\n## Custom resources\n")[1]!.split("\n## ")[0]!;
  expect(section.split("\n").filter((line) => line.startsWith("| `"))).toEqual(wanted);
});

test("docs/guides/actions.md names every built-in action of every kind", () => {
  const section = read("actions.md").split("\n## Built-in actions\n")[1]!.split("\n## ")[0]!;
  const missing = Object.entries(builtinActions).flatMap(([key, actions]) => {
    const kind = key.split("/")[1]!;
    const row = section.split("\n").find((line) => new RegExp(`[ ,:|]${kind}[ ,|]`).test(line)) ?? "";
    return actions.filter(({ name }) => !row.includes(`\`${name}\``)).map(({ name }) => `${key} ${name}`);
  });
  expect(missing).toEqual([]);
});
