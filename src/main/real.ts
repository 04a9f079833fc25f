// `--real`: a real control plane on this machine, from the binary that `npm run kube:build` makes (it is built if missing).
import { spawnSync } from "node:child_process";
import { DriftlessError } from "#base/errors.ts";
import { findBinary } from "#test/kubernetes/binary.ts";
import { startControlPlane, type ControlPlane } from "#test/kubernetes/control-plane.ts";
import { fileURLToPath } from "node:url";

/** Builds the binary where it is missing, starts the control plane with its state in `dataDir`. */
export async function startReal(dataDir: string): Promise<ControlPlane> {
  let binary = findBinary(process.env);
  if (binary === undefined) {
    const script = fileURLToPath(import.meta.resolve("#test/kubernetes/build.ts"));
    const built = spawnSync(process.execPath, [script], { stdio: ["ignore", "inherit", "inherit"] });
    binary = built.status === 0 ? findBinary(process.env) : undefined;
  }
  if (binary === undefined)
    throw new DriftlessError(
      "FAILED_PRECONDITION",
      "the real control plane could not be built; the reason stands above",
    );
  return startControlPlane({ binary, dataDir });
}
