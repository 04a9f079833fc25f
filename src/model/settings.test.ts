import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { ConfigData } from "./settings.ts";
import { parseSettings } from "./settings.ts";

interface Case {
  readonly name: string;
  readonly cm?: ConfigData;
  readonly params?: ConfigData;
  readonly settings?: Record<string, unknown>;
  readonly problems?: readonly string[];
}

const cases = parse(readFileSync(new URL("settings.cases.yaml", import.meta.url), "utf8")) as Case[];

test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
  const { settings, problems } = parseSettings(one.cm, one.params);
  expect(settings).toMatchObject(one.settings ?? {});
  // What a YAML parser says after its first words is its own affair.
  const shown = problems.map((problem) => `${problem.key}: ${problem.why}`.replace(/(it is not YAML):.*$/, "$1"));
  expect(shown).toEqual(one.problems ?? []);
});
