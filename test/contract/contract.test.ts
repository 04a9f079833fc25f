// One suite, two clusters: each case is run against the sandbox and, where it is built, a real Kubernetes. Both are held
// to what the case says and to the answers recorded from the real one. Where they differ, the sandbox is wrong.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clustersUnderTest, kubectlPath } from "../support/cluster.ts";
import type { RunningCluster } from "../support/cluster.ts";
import { readCases } from "./case.ts";
import { readDeviations, unknownDifferences } from "./deviations.ts";
import { differencesFrom, readGolden } from "./golden.ts";
import { startSuite } from "./suite.ts";
import type { SuiteRun } from "./suite.ts";

const cases = readCases();
const areas = [...new Set(cases.map(({ area }) => area))];
const kubectl = kubectlPath();
const deviations = readDeviations();

it("deviations are of cases that exist", () => {
  const names = new Set(cases.map(({ area, name }) => `${area}: ${name}`));
  expect(deviations.flatMap((each) => each.cases).filter((name) => !names.has(name))).toEqual([]);
});

for (const cluster of clustersUnderTest({ name: "contract", cases: cases.length })) {
  describe(`contract on ${cluster.name}`, () => {
    let running: RunningCluster | undefined;
    let suite: SuiteRun | undefined;

    beforeAll(async () => {
      running = await cluster.start();
      const runnable = cases.filter(({ needsKubectl }) => !needsKubectl || kubectl !== undefined);
      suite = await startSuite({ kubeconfig: running.kubeconfig, cases: runnable, ...(kubectl ? { kubectl } : {}) });
    });

    afterAll(async () => {
      await suite?.close();
      await running?.stop();
    });

    describe.each(areas)("%s", (area) => {
      const golden = readGolden(area);
      for (const each of cases.filter((item) => item.area === area)) {
        // kubectl comes with the real Kubernetes' binary.
        it.skipIf(each.needsKubectl && kubectl === undefined)(each.name, async () => {
          const outcome = await suite?.outcome(each);
          const found = differencesFrom(golden[each.name], each, outcome?.answers ?? []);
          const differing = cluster.name === "sandbox" ? unknownDifferences(deviations, each, found) : found;
          const wrong = [...(outcome?.failures ?? []), ...differing].slice(0, 20).join("\n");
          expect(wrong, wrong).toBe("");
        });
      }
    });
  });
}
