// Public charts and overlays, rendered by the engine from Git and by the official command lines from disk: equal objects.
// They come from the Go module proxy at pinned versions and are not kept here; without Go or network this is skipped.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, lstatSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitWorld, type GitWorld } from "#git/testing.ts";
import type { GitRepository } from "#git/types.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import { createRenderer } from "#render/renderer.ts";
import type { Renderer } from "#render/types.ts";
import { createManifestParser } from "#render/yaml.ts";
import { officialCli, type OfficialCli } from "./cli.ts";

const run = promisify(execFile);

interface PublicModule {
  readonly module: string;
  readonly version: string;
  readonly sum: string;
  readonly folders: readonly string[];
  readonly charts?: readonly string[];
  readonly overlays?: readonly string[];
}
const modules = parse(readFileSync(join(import.meta.dirname, "public.yaml"), "utf8")) as PublicModule[];
const cases = modules.flatMap(({ module, charts = [], overlays = [] }) => [
  ...charts.map((path) => ({ module, path, kind: "helm" as const })),
  ...overlays.map((path) => ({ module, path, kind: "kustomize" as const })),
]);

/** A module's folder in Go's cache, downloaded where it is missing; the sum is checked. */
async function download({ module, version, sum }: PublicModule): Promise<string> {
  const args = ["mod", "download", "-json", `${module}@${version}`];
  // From outside of any module, and with the Go that is there, whatever the module asks for.
  const options = {
    cwd: tmpdir(),
    env: { ...process.env, GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local" },
    timeout: 120_000,
  };
  const { stdout } = await run("go", args, options);
  const answer = JSON.parse(stdout) as { Dir: string; Sum: string };
  if (answer.Sum !== sum) throw new Error(`${module}@${version} has the sum ${answer.Sum}, not ${sum}`);
  return answer.Dir;
}

function filesBelow(dir: string, folder: string, found: Record<string, Buffer>): void {
  for (const name of readdirSync(join(dir, folder))) {
    const path = `${folder}/${name}`;
    const is = lstatSync(join(dir, path));
    if (is.isDirectory()) filesBelow(dir, path, found);
    else if (is.isFile()) found[path] = readFileSync(join(dir, path));
  }
}

describe.skipIf(!engineForTests())("public charts and overlays", () => {
  let world: GitWorld;
  let renderer: Renderer;
  const clis: Partial<Record<OfficialCli, string>> = {};
  const places = new Map<string, { dir: string; repository: GitRepository; sha: string }>();
  const problems = new Map<string, string>();

  beforeAll(async () => {
    world = await createGitWorld();
    renderer = createRenderer({
      digest: (text) => createHash("sha256").update(text).digest("hex"),
      engine: testPool(),
    });
    try {
      for (const kind of ["helm", "kustomize"] as const) clis[kind] = await officialCli(kind);
    } catch (error) {
      for (const { module } of modules) problems.set(module, `the command lines cannot be built: ${String(error)}`);
      return;
    }
    for (const [index, one] of modules.entries()) {
      try {
        const dir = await download(one);
        const files: Record<string, Buffer> = {};
        for (const folder of one.folders) filesBelow(dir, folder, files);
        const made = await world.repository(`public-${index}`);
        const sha = await world.commit(made.dir, files);
        const repository = world.repositories.open({ url: made.url });
        await repository.refresh(world.op);
        places.set(one.module, { dir, repository, sha });
      } catch (error) {
        // A sum that is another is no matter of the network.
        if (String(error).includes("has the sum")) throw error;
        problems.set(one.module, (error as Error).message.split("\n")[0] ?? "");
      }
    }
    const [first] = problems.values();
    if (first !== undefined)
      process.stderr.write(
        `${problems.size} of ${modules.length} public modules cannot be had, their tests are skipped: ${first}\n`,
      );
  }, 900_000);
  afterAll(async () => {
    await renderer.close();
    await world.close();
  });

  it("are at least 25", () => expect(cases.length).toBeGreaterThanOrEqual(25));

  it.each(cases)("$module $path", { timeout: 120_000 }, async ({ module, path, kind }) => {
    const place = places.get(module);
    if (!place) return; // said above
    const args =
      kind === "kustomize" ? ["build", "."] : ["template", "rel", ".", "--namespace", "prod", "--include-crds"];
    const { stdout } = await run(clis[kind] ?? "", args, {
      cwd: join(place.dir, path),
      maxBuffer: 64 << 20,
      env: { HOME: world.dir, PATH: "" },
    });
    const expected = createManifestParser()
      .yaml(stdout, path)
      .documents.map(({ value }) => value)
      .filter((value) => value !== null && value !== undefined);
    const { repository, sha } = place;
    const source = { repoURL: repository.url, path };
    const result = await renderer.render(world.op, { source, repository, sha, appName: "rel", namespace: "prod" });
    expect(result.sourceType).toBe(kind === "helm" ? "Helm" : "Kustomize");
    expect(expected.length).toBeGreaterThan(0);
    expect(result.objects.map(({ object }) => object)).toEqual(expected);
  });
});
