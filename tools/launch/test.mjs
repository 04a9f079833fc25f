// `npm test`: proves it, from a fresh clone: checks, then unit, contract and end-to-end tests on the sandbox; the last
// two also on a real Kubernetes where its binary is built, or CI=true (then it is built first). Ends with one line:
// `N passed, N failed, N skipped`.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail, node, prepare, root, runQuietly } from "./prepare.mjs";

await prepare();
const env = { ...process.env, PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}` };
const reports = mkdtempSync(join(tmpdir(), "driftless-test-"));
const inCI = process.env.CI === "true" || process.env.CI === "1";

function run(title, args) {
  process.stdout.write(`\n== ${title}\n`);
  return new Promise((resolve) => {
    const child = spawn(node, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
    child.on("close", (code) => resolve(code ?? 1));
    child.on("error", (error) => fail(error.message));
  });
}

const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const totals = { passed: 0, failed: 0, skipped: 0 };
let broken = 0;

async function suite(name, title) {
  const file = join(reports, `${name}.json`);
  const code = await run(title, [
    vitest,
    "run",
    "--project",
    name,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
  ]);
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    totals.passed += report.numPassedTests;
    totals.failed += report.numFailedTests;
    totals.skipped += report.numPendingTests;
    if (code !== 0 && report.numFailedTests === 0) broken++;
  } catch {
    broken++;
  }
}

if (inCI && (await run("Kubernetes for the tests", [join(root, "test", "kubernetes", "build.ts")])) !== 0) broken++;
if ((await run("Checks: types, lint, layers, dead code, format", [join(root, "tools", "check.ts")])) !== 0) broken++;
if ((await runQuietly("Building the page", node, [join(root, "tools", "build-ui.ts"), "--if-stale"])) !== 0) broken++;
await runQuietly("Building driftless-engine, where Go is there", node, [
  join(root, "tools", "engine-build.ts"),
  "--if-go",
]);
await suite("unit", "Unit tests");
await suite("contract", "Contract: the same cases on the sandbox and on Kubernetes");
await suite("e2e", "End to end: over real Git protocols, in a real browser where there is one");
rmSync(reports, { recursive: true, force: true });
if (broken > 0)
  process.stdout.write(`\n${broken} part${broken === 1 ? "" : "s"} of the run failed as a whole; see above.\n`);
process.stdout.write(`\n${totals.passed} passed, ${totals.failed + broken} failed, ${totals.skipped} skipped\n`);
process.exit(totals.failed + broken === 0 && totals.passed > 0 ? 0 : 1);
