import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { createGitWorld, type GitWorld } from "#git/testing.ts";
import type { GitRepository } from "#git/types.ts";
import type { Walk } from "./directory.ts";
import { ReadRecorder, readsTouched } from "./reads.ts";
import { RepositoryFiles } from "./repository-files.ts";
import type { ReadSet } from "./types.ts";
import { valueFiles } from "./value-files.ts";

let world: GitWorld;
let repository: GitRepository;
let sha: string;
let lent: { repository: GitRepository; sha: string };

beforeAll(async () => {
  world = await createGitWorld();
  const commit = async (name: string, files: Parameters<GitWorld["commit"]>[1]): Promise<typeof lent> => {
    const { dir, url } = await world.repository(name);
    const made = { sha: await world.commit(dir, files), repository: world.repositories.open({ url }) };
    await made.repository.refresh(world.op);
    return made;
  };
  ({ repository, sha } = await commit("own", {
    "chart/base.yaml": "base",
    "chart/envs/a.yaml": "a",
    "chart/envs/z.yaml": "z",
    "chart/envs/nested/c.yaml": "c",
    "chart/envs/nested/deep/d.yaml": "d",
    "chart/envs/other/b.yaml": "b",
    "chart/envs/shop/own.yaml": "own",
    "chart/linked.yaml": { symlink: "../shared/s.yaml" },
    "shared/s.yaml": "s",
  }));
  lent = await commit("lent", { "envs/1.yaml": "one", "envs/2.yaml": "two", "a.yaml": "lent-a" });
});
afterAll(() => world.close());

async function texts(
  written: readonly string[],
  ignoreMissing = false,
): Promise<{ readonly texts: readonly string[]; readonly reads: ReadSet; readonly lent: ReadSet | undefined }> {
  const walk: Walk = { repository, sha, reads: new ReadRecorder(), warnings: [] };
  const refReads = new Map<string, ReadRecorder>();
  const source = { repoURL: repository.url, path: "chart" };
  const context = {
    request: { source, repository, sha, appName: "shop", refs: { values: lent } },
    source,
    folder: "chart",
    environment: { ARGOCD_APP_NAME: "shop" },
    walk,
    files: new RepositoryFiles(world.op, walk),
    refReads,
  };
  const found = await valueFiles(world.op, context, { written, ignoreMissing });
  return { texts: found.map(({ text }) => text), reads: walk.reads.result(), lent: refReads.get("values")?.result() };
}

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DriftlessError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
}

describe("value files", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ["are taken in their order", ["envs/z.yaml", "base.yaml"], ["z", "base"]],
    ["from the root, with a leading slash", ["/shared/s.yaml", "../shared/s.yaml"], ["s", "s"]],
    ["of a glob come by name", ["envs/*.yaml"], ["a", "z"]],
    ["of a folder come before those deeper down", ["envs/**/*.yaml"], ["a", "z", "c", "d", "b", "own"]],
    ["of one level of folders", ["envs/*/*.yaml"], ["c", "b", "own"]],
    ["of a glob with alternatives", ["envs/{z,a}.yaml"], ["a", "z"]],
    ["of a glob with a range", ["envs/[a-c].yaml", "envs/?.yaml"], ["a", "z"]],
    ["that are named come where they are named", ["envs/*.yaml", "base.yaml", "envs/a.yaml"], ["z", "base", "a"]],
    ["that two globs match come with the first", ["envs/z*", "envs/**/*.yaml"], ["z", "a", "c", "d", "b", "own"]],
    ["may have variables in their names", ["envs/$ARGOCD_APP_NAME/*.yaml"], ["own"]],
    ["of another source by its ref", ["$values/a.yaml", "$values/envs/*.yaml"], ["lent-a", "one", "two"]],
    [
      "of two sources with equal paths are two",
      ["/chart/base.yaml", "$values/a.yaml", "envs/a.yaml"],
      ["base", "lent-a", "a"],
    ],
    ["behind links inside the repository", ["linked.yaml", "l*.yaml"], ["s"]],
  ])("%s", async (_name, written, expected) => {
    expect((await texts(written)).texts).toEqual(expected);
  });

  it.each<[string, readonly string[], string]>([
    ["that is not there", ["none.yaml"], "RENDER_FAILED: the value file none.yaml does not exist"],
    ["glob that matches nothing", ["none/*.yaml"], 'RENDER_FAILED: values file glob "none/*.yaml" matched no files'],
    [
      "glob of another source",
      ["$values/x*.yaml"],
      'RENDER_FAILED: values file glob "$values/x*.yaml" matched no files',
    ],
    ["that leads out", ["../../x.yaml"], "RENDER_REFUSED: ../../x.yaml: leads out of the repository"],
    ["glob that leads out", ["../../*.yaml"], "RENDER_REFUSED: ../../*.yaml: leads out of the repository"],
    [
      "of a ref that no source has",
      ["$nobody/a.yaml"],
      "SPEC_INVALID: $nobody/a.yaml: no source of the application has the ref nobody",
    ],
    [
      "glob that is none",
      ["envs/[a.yaml"],
      'SPEC_INVALID: spec.source.helm.valueFiles "chart/envs/[a.yaml" is no valid glob',
    ],
  ])("a file %s is told", async (_name, written, expected) => {
    expect(await failure(texts(written))).toBe(expected);
  });

  it("that are not there may be ignored, and are noticed when they come", async () => {
    const found = await texts(["none.yaml", "base.yaml", "more/*.yaml", "$values/none.yaml"], true);
    expect(found.texts).toEqual(["base"]);
    for (const path of ["chart/none.yaml", "chart/more/a.yaml"]) expect(readsTouched(found.reads, [path])).toBe(true);
    expect(readsTouched(found.lent ?? found.reads, ["none.yaml"])).toBe(true);
    expect(readsTouched(found.reads, ["chart/other.yaml"])).toBe(false);
  });

  it("of a glob are noticed when they come", async () => {
    const { reads } = await texts(["envs/*.yaml"]);
    expect(readsTouched(reads, ["chart/envs/b.yaml"])).toBe(true);
    expect(readsTouched(reads, ["chart/base.yaml"])).toBe(false);
  });
});
