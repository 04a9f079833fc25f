// The places at which the sandbox is known to differ from a real API server: deviations.yaml, which says why.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { ContractCase } from "./case.ts";

export interface Deviation {
  readonly why: string;
  readonly at: readonly string[];
  readonly cases: readonly string[];
}

export function readDeviations(): readonly Deviation[] {
  return parse(readFileSync(join(import.meta.dirname, "deviations.yaml"), "utf8")) as readonly Deviation[];
}

/** Takes a case's differences; returns those that are not known, and one more line where a known one is gone. */
export function unknownDifferences(
  deviations: readonly Deviation[],
  { area, name }: ContractCase,
  differences: readonly string[],
): readonly string[] {
  const known = deviations.filter(({ cases }) => cases.includes(`${area}: ${name}`));
  const patterns = known.flatMap(({ at }) => at.map((text) => new RegExp(text)));
  // What stands behind the place is the values, which may hold anything.
  const place = (line: string) => line.split(": expected ")[0] ?? line;
  const left = differences.filter((line) => !patterns.some((pattern) => pattern.test(place(line))));
  const gone = known.length > 0 && left.length === differences.length;
  return gone ? [...left, "deviations.yaml names this case, but it does not differ so any more"] : left;
}
