// node test/render/record.ts: renders every case with the official helm and kustomize, and writes what they give to
// golden/. Builds both from Go modules into the user's cache first. Cases that they refuse are printed and left out.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createManifestParser } from "#render/yaml.ts";
import { officialCli } from "./cli.ts";
import { goldenFile, renderCases, type RenderCase } from "./render-cases.ts";

const run = promisify(execFile);

async function record(kind: "kustomize" | "helm"): Promise<void> {
  const program = await officialCli(kind);
  const helm = await officialCli("helm");
  const root = mkdtempSync(join(tmpdir(), "driftless-record-"));
  const { cases, shared } = renderCases(kind);
  const write = (name: string, content: Buffer): void => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  };
  for (const [name, content] of Object.entries(shared)) write(name, content);
  const golden: Record<string, unknown[]> = {};
  const parser = createManifestParser();
  for (const one of cases) {
    for (const [name, content] of Object.entries(one.files)) write(join(one.folder, name), content);
    try {
      for (const edit of one.edits) await run(program, ["edit", ...edit], { cwd: join(root, one.folder) });
      const { stdout } = await run(program, commandOf(one, helm), {
        cwd: join(root, one.folder),
        maxBuffer: 64 << 20,
        env: { HOME: root, PATH: "" },
      });
      golden[one.name] = parser
        .yaml(stdout, one.name)
        .documents.map(({ value }) => value)
        .filter((value) => value !== null && value !== undefined);
    } catch (error) {
      console.error(`${kind}: ${one.name}: ${(error as Error).message}`);
    }
  }
  mkdirSync(dirname(goldenFile(kind)), { recursive: true });
  writeFileSync(goldenFile(kind), `${JSON.stringify(golden, null, 1)}\n`);
  rmSync(root, { recursive: true, force: true });
  console.log(`${kind}: ${Object.keys(golden).length} of ${cases.length} recorded`);
}

function commandOf(one: RenderCase, helm: string): string[] {
  if (one.kind === "kustomize") return ["build", ".", ...one.arguments, "--helm-command", helm];
  const [flag, name] = one.arguments;
  const [release, rest] = flag === "--release" ? [name ?? "", one.arguments.slice(2)] : ["rel", one.arguments];
  return ["template", release, ".", "--namespace", "prod", "--include-crds", ...rest];
}

await record("kustomize");
await record("helm");
