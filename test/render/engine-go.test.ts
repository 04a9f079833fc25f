// The engine's own Go tests, its formatting and go vet, where Go is there.
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { engineSources } from "#render/engine/binary.ts";

const run = promisify(execFile);
const go = async (...args: string[]): Promise<string> => {
  const env = { ...process.env, CGO_ENABLED: "0" };
  const { stdout } = await run("go", args, { cwd: engineSources, env, maxBuffer: 16 << 20 });
  return stdout;
};
const thereIsGo = spawnSync("go", ["version"]).status === 0;

describe.skipIf(!thereIsGo)("the engine's Go sources", () => {
  it("are formatted", async () => {
    const { stdout } = await run("gofmt", ["-l", "."], { cwd: engineSources });
    expect(stdout).toBe("");
  });

  // The first time, the libraries' tests are compiled: a minute or more. Later they are taken from Go's own cache.
  it("pass go vet and their tests", { timeout: 600_000 }, async () => {
    await go("vet", "./...");
    expect(await go("test", "./...")).toContain("ok");
  });
});
