// npm run kube:up: starts the real Kubernetes (built first where it is missing) and leaves it running until
// npm run kube:down. Its data stays in the user's state folder between the two and after them: kube:down -- --delete.
import { existsSync, mkdirSync } from "node:fs";
import { buildBinary, BuildError, terminalReport } from "./build.ts";
import { ControlPlaneError, startControlPlane } from "./control-plane.ts";
import { detachedDirectory, runningProcesses } from "./detached.ts";

const directory = detachedDirectory(process.env);

async function up(): Promise<void> {
  if (runningProcesses(directory).length > 0) {
    console.log(`already up: KUBECONFIG=${directory}/kubeconfig`);
    return;
  }
  const report = terminalReport(process.stderr);
  const binary = await buildBinary({ env: process.env, report });
  if (!existsSync(directory)) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const plane = await startControlPlane({
    binary,
    dataDir: directory,
    detached: true,
    report: (step, elapsedMs) => report(`  ${(elapsedMs / 1000).toFixed(1)} s  ${step}`, true),
  });
  console.log(
    `\n  export KUBECONFIG=${plane.kubeconfig}\n  alias kubectl=${plane.kubectl}\n\nEnds with: npm run kube:down`,
  );
}

try {
  await up();
} catch (thrown) {
  if (!(thrown instanceof BuildError) && !(thrown instanceof ControlPlaneError)) throw thrown;
  console.error(thrown.message);
  process.exitCode = 1;
}
