// Runs test/newcomer.sh: a fresh clone, installed, started, driven and stopped as a newcomer does. It installs packages
// from the registry, so it runs where CI=true, or when it is asked for.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "../support/up.ts";

const asked = process.env["CI"] === "true" || process.env["CI"] === "1" || process.env["DRIFTLESS_NEWCOMER"] === "1";
if (!asked) process.stderr.write("newcomer: 1 case left out; DRIFTLESS_NEWCOMER=1 or test/newcomer.sh brings it in\n");

it.runIf(asked)(
  "a newcomer's first hour goes as README.md says",
  async () => {
    const { code, output } = await run(join(repositoryRoot, "test", "newcomer.sh"));
    expect(code, output).toBe(0);
    expect(output).toContain("all is as it should be");
  },
  20 * 60_000,
);

function run(script: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    // The Node that a newcomer has is on the PATH; what vitest adds of this checkout's own is not.
    const path = (process.env["PATH"] ?? "")
      .split(":")
      .filter((part) => !part.endsWith(join("node_modules", ".bin")))
      .join(":");
    const child = spawn("bash", [script], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: path, NODE_ENV: "" },
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
