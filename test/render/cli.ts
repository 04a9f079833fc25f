// The official helm and kustomize, built from their Go modules into the user's cache: what recordings, comparisons and
// benches run. Pinned by cli/go.mod; another pin is another build.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { engineCache } from "#render/engine/binary.ts";

const run = promisify(execFile);
const packages = { kustomize: "sigs.k8s.io/kustomize/kustomize/v5", helm: "helm.sh/helm/v4/cmd/helm" };
const module = join(import.meta.dirname, "cli");

export type OfficialCli = keyof typeof packages;

/** Where a build stands, whether or not it is there. */
function placeOf(kind: OfficialCli): string {
  const pins = createHash("sha256");
  for (const name of ["go.mod", "go.sum"]) pins.update(readFileSync(join(module, name)));
  return join(dirname(engineCache(process.env)), "cli", pins.digest("hex").slice(0, 16), kind);
}

/** Returns the program's path, built first where it is missing: a minute or two, and Go. */
export async function officialCli(kind: OfficialCli): Promise<string> {
  const program = placeOf(kind);
  if (existsSync(program)) return program;
  mkdirSync(dirname(program), { recursive: true });
  const building = `${program}.${process.pid}`;
  await run("go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", building, packages[kind]], {
    cwd: module,
    env: { ...process.env, CGO_ENABLED: "0" },
  });
  renameSync(building, program);
  return program;
}
