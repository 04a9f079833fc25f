// Every case of Kustomize and Helm features, rendered by the engine from Git: the objects are those of the official
// command lines, in their order.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitWorld, type GitWorld } from "#git/testing.ts";
import type { GitRepository } from "#git/types.ts";
import type { ApplicationSource } from "#model/application.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import { createRenderer } from "#render/renderer.ts";
import type { Renderer } from "#render/types.ts";
import { goldenFile, renderCases, type Golden } from "./render-cases.ts";

const kinds = ["kustomize", "helm"] as const;

describe.skipIf(!engineForTests())("the same as the official command lines", () => {
  let world: GitWorld;
  let renderer: Renderer;
  let repository: GitRepository;
  let sha: string;
  const files: Record<string, Buffer> = {};
  let located = 0;
  let buildOptions = "";

  beforeAll(async () => {
    world = await createGitWorld();
    renderer = createRenderer({
      digest: (text) => createHash("sha256").update(text).digest("hex"),
      engine: testPool(),
      kustomize: () => ({ buildOptions, versions: {} }),
    });
    for (const kind of kinds) {
      const { cases, shared } = renderCases(kind);
      Object.assign(files, shared);
      for (const one of cases)
        for (const [name, content] of Object.entries(one.files)) files[`${one.folder}/${name}`] = content;
    }
    const { dir, url } = await world.repository("cases");
    sha = await world.commit(dir, files);
    repository = world.repositories.open({ url });
    await repository.refresh(world.op);
  });
  afterAll(async () => {
    await renderer.close();
    await world.close();
  });

  describe.each(kinds)("%s", (kind) => {
    const golden = JSON.parse(readFileSync(goldenFile(kind), "utf8")) as Golden;
    it.each(renderCases(kind).cases)("$name", async (one) => {
      const expected = golden[one.name];
      expect(expected, "has been recorded").toBeDefined();
      const source: ApplicationSource = {
        repoURL: repository.url,
        path: one.folder,
        ...(one.source ? { [kind]: one.source } : {}),
      };
      buildOptions = kind === "kustomize" ? one.arguments.join(" ") : "";
      const result = await renderer.render(world.op, { source, repository, sha, appName: "rel", namespace: "prod" });
      expect(result.objects.map(({ object }) => object)).toEqual(unfolded(expected ?? []));
      for (const { file, line } of result.objects) {
        // A chart that is packed, or has another name there, has no file of that path.
        const packed = file.includes("/charts/");
        const lines = files[file]?.toString("utf8").split("\n").length ?? (packed ? Number.POSITIVE_INFINITY : 0);
        expect(lines, `lines of ${file}`).toBeGreaterThanOrEqual(line);
        if (line > 1) located++;
      }
    });
  });

  it("objects are found in their files", () => expect(located).toBeGreaterThan(30));

  it.each([
    ["kustomize", 80],
    ["helm", 60],
  ] as const)("%s: at least %i features", (kind, count) => {
    expect(renderCases(kind).cases.length).toBeGreaterThanOrEqual(count);
  });
});

/** Lists as their items, as Argo CD takes what the command lines print. */
function unfolded(objects: readonly unknown[]): unknown[] {
  return objects.flatMap((object) => {
    const { kind, items } = object as { kind?: string; items?: unknown[] };
    return kind === "List" && items ? unfolded(items) : [object];
  });
}
