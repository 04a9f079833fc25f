import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { calmAt, fightOver, fights, fightText, healed, named, nextHealAt, noFights, sawDrift } from "./fights.ts";

interface FightCase {
  readonly name: string;
  readonly steps: readonly {
    readonly at: number;
    readonly drift?: readonly string[];
    readonly heal?: readonly string[];
  }[];
  readonly fights: readonly string[];
  readonly next?: Readonly<Record<string, number>>;
  readonly calm?: Readonly<Record<string, number>>;
}
const cases = parse(readFileSync(new URL("cases/fights.yaml", import.meta.url), "utf8")) as FightCase[];
const key = { group: "apps", kind: "Deployment", namespace: "shop", name: "web" };
const field = (path: string) => ({ key, path });
const start = Date.parse("2026-03-02T12:00:00Z");

describe("fights", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    let log = noFights;
    for (const { at, drift, heal } of one.steps) {
      const now = start + at * 1000;
      if (drift) log = sawDrift(log, drift.map(field), now);
      if (heal) log = healed(log, heal.map(field), now);
    }
    const seconds = (wanted: Readonly<Record<string, number>> | undefined, of: typeof nextHealAt): unknown =>
      wanted &&
      Object.fromEntries(Object.keys(wanted).map((path) => [path, (of(fightOver(log, field(path))!) - start) / 1000]));
    expect({
      fights: fights(log).map(({ path }) => path),
      next: seconds(one.next, nextHealAt),
      calm: seconds(one.calm, calmAt),
    }).toEqual({ fights: one.fights, next: one.next, calm: one.calm });
  });

  test("are told with the field, the other side and what to do", () => {
    let log = noFights;
    for (const at of [0, 2000, 8000]) log = healed(log, [field("/spec/replicas")], start + at);
    log = named(log, field("/spec/replicas"), ["scaler"]);
    expect(fightText(fights(log)[0]!)).toBe(
      "apps/Deployment shop/web: /spec/replicas is set back by scaler after each self-heal (3 times in 8 s); it is healed more " +
        "seldom now: leave the field out of Git or ignore it (ignoreDifferences with managedFieldsManagers: [scaler]), or " +
        "stop the other writer",
    );
  });

  test("keep a bounded number of fields in mind", () => {
    const many = Array.from({ length: 500 }, (_, index) => field(`/data/${index}`));
    expect(healed(noFights, many, start).size).toBe(200);
  });
});
