import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseSettings, type ConfigData } from "#model/settings.ts";
import { isExcluded } from "./watched-kinds.ts";

interface Case {
  readonly name: string;
  readonly cm: ConfigData;
  readonly out?: readonly string[];
  readonly in?: readonly string[];
}

const cases = parse(readFileSync(new URL("cases/watched-kinds.yaml", import.meta.url), "utf8")) as Case[];

test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
  const { settings, problems } = parseSettings(one.cm, undefined);
  expect(problems).toEqual([]);
  const left = [...(one.out ?? []), ...(one.in ?? [])].filter((text) => {
    const [group = "", kind = ""] = text.split("/");
    return isExcluded(settings, { group, kind }, "https://one");
  });
  expect(left).toEqual(one.out ?? []);
});
