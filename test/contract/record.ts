// node test/contract/record.ts [AREA…] [--kubeconfig FILE]: runs the cases against a real Kubernetes and records its
// answers in golden/. Whatever changes there is a change of what the sandbox is held to: read the diff.
import { parseArgs } from "node:util";
import type { JsonObject } from "#base/json.ts";
import { findBinary, buildCommand } from "../kubernetes/binary.ts";
import { startControlPlane } from "../kubernetes/control-plane.ts";
import { kubectlPath } from "../support/cluster.ts";
import { readCases } from "./case.ts";
import { writeGolden } from "./golden.ts";
import { startSuite } from "./suite.ts";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { kubeconfig: { type: "string" } } });

async function record(kubeconfig: string): Promise<boolean> {
  const kubectl = kubectlPath();
  const cases = readCases().filter(({ area }) => positionals.length === 0 || positionals.includes(area));
  const suite = await startSuite({ kubeconfig, cases, ...(kubectl === undefined ? {} : { kubectl }) });
  const areas = new Map<string, Record<string, readonly JsonObject[]>>();
  let failed = 0;
  for (const each of cases) {
    const { answers, failures } = await suite.outcome(each);
    for (const failure of failures) console.error(`${each.area}: ${each.name}: ${failure}`);
    failed += failures.length;
    areas.set(each.area, { ...areas.get(each.area), [each.name]: answers });
  }
  await suite.close();
  for (const [area, golden] of areas) writeGolden(area, golden);
  console.log(
    `recorded ${cases.length} cases in ${areas.size} areas${failed > 0 ? `, ${failed} expectations failed` : ""}`,
  );
  return failed === 0;
}

const binary = findBinary(process.env);
if (values.kubeconfig === undefined && binary === undefined) {
  console.error(`the real Kubernetes is not built: ${buildCommand}`);
  process.exit(1);
}
const plane = values.kubeconfig === undefined && binary !== undefined ? await startControlPlane({ binary }) : undefined;
try {
  process.exitCode = (await record(values.kubeconfig ?? plane?.kubeconfig ?? "")) ? 0 : 1;
} finally {
  await plane?.stop();
}
