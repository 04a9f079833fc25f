// The answers of a real Kubernetes, recorded by record.ts, one file for each area: what both clusters are held to.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "#base/json.ts";
import type { ContractCase } from "./case.ts";
import { differences } from "./normalise.ts";

const directory = join(import.meta.dirname, "golden");

export type Golden = Readonly<Record<string, readonly JsonObject[]>>;

/** The recorded answers of an area, by the cases' names; none where nothing was recorded yet. */
export function readGolden(area: string): Golden {
  const file = join(directory, `${area}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Golden) : {};
}

/** Writes an area's answers, each on a line of its own, so that a change of one is a change of one line. */
export function writeGolden(area: string, golden: Golden): void {
  const cases = Object.entries(golden).map(([name, answers]) => {
    const lines = answers.map((answer) => `    ${JSON.stringify(answer)}`).join(",\n");
    return `  ${JSON.stringify(name)}: [\n${lines}\n  ]`;
  });
  writeFileSync(join(directory, `${area}.json`), `{\n${cases.join(",\n")}\n}\n`);
}

/** Where a case's answers differ from the recorded ones, one line each. */
export function differencesFrom(
  recorded: readonly JsonObject[] | undefined,
  contractCase: ContractCase,
  answers: readonly JsonObject[],
): string[] {
  if (recorded === undefined) return ["nothing was recorded for this case: run `node test/contract/record.ts`"];
  return answers.flatMap((answer, index) => {
    const step = contractCase.steps[index];
    const where = `step ${index + 1}${step ? `, ${step.method} ${step.target}` : ""}`;
    return differences(recorded[index], answer).map((line) => `${where}: ${line}`);
  });
}
