// Applications with equal inputs render once: at the same time, one after the other, and from repositories that hold the
// same files.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitWorld, type GitWorld } from "#git/testing.ts";
import type { GitRepository } from "#git/types.ts";
import type { ApplicationSource } from "#model/application.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import { createRenderer } from "#render/renderer.ts";
import type { Renderer } from "#render/types.ts";

const object = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "${name}" }\n`;
const files = {
  "overlay/kustomization.yaml": "resources: [../base]\nnamePrefix: x-\n",
  "base/kustomization.yaml": "resources: [a.yaml]\n",
  "base/a.yaml": object("a"),
  "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
  "chart/templates/a.yaml": object("{{ .Release.Name }}-{{ .Release.Namespace }}"),
  "jsonnet/a.jsonnet": '{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "j" } }',
  "plain/a.yaml": object("p"),
};

describe.skipIf(!engineForTests())("equal inputs", () => {
  let world: GitWorld;
  let renderer: Renderer;
  const places: { repository: GitRepository; sha: string }[] = [];

  beforeAll(async () => {
    world = await createGitWorld();
    renderer = createRenderer({
      digest: (text) => createHash("sha256").update(text).digest("hex"),
      engine: testPool(),
    });
    for (const name of ["one", "fork"]) {
      const { dir, url } = await world.repository(name);
      const sha = await world.commit(dir, { ...files, [`${name}.txt`]: name });
      const repository = world.repositories.open({ url });
      await repository.refresh(world.op);
      places.push({ repository, sha });
    }
  });
  afterAll(async () => {
    await renderer.close();
    await world.close();
  });

  /** How many renders it takes when so many applications ask at once; all get the same. */
  async function cost(source: Partial<ApplicationSource>, applications: readonly string[], place = 0): Promise<number> {
    const { repository, sha } = places[place]!;
    const before = renderer.statistics;
    const results = await Promise.all(
      applications.map((appName) =>
        renderer.render(world.op, {
          source: { repoURL: repository.url, ...source },
          repository,
          sha,
          appName,
          namespace: "prod",
        }),
      ),
    );
    for (const { objects } of results) expect(objects).toHaveLength(1);
    const after = renderer.statistics;
    return after.engineRenders - before.engineRenders + (after.filesParsed - before.filesParsed);
  }
  const apps = Array.from({ length: 20 }, (_, at) => `app-${at}`);

  const cases: [string, Partial<ApplicationSource>][] = [
    ["an overlay", { path: "overlay" }],
    ["an overlay with overrides", { path: "overlay", kustomize: { images: ["a=b:1"], commonLabels: { a: "b" } } }],
    ["a chart under one release's name", { path: "chart", helm: { releaseName: "web" } }],
    ["Jsonnet", { path: "jsonnet" }],
    ["a directory", { path: "plain" }],
  ];
  it.each(cases)("%s: twenty applications at once cost one render, and later ones none", async (_name, source) => {
    expect(await cost(source, apps)).toBe(1);
    expect(await cost(source, apps)).toBe(0);
    expect(await cost(source, ["another"])).toBe(0);
  });

  it.each(cases)("%s: another repository with the same files costs none", async (_name, source) => {
    await cost(source, ["first"]);
    expect(await cost(source, apps, 1)).toBe(0);
  });

  it("what differs by the application's name is rendered for each", async () => {
    expect(await cost({ path: "chart" }, ["left", "right", "left"])).toBe(2);
    expect(
      await cost({ path: "overlay", kustomize: { namePrefix: "${ARGOCD_APP_NAME}" } }, ["left", "right"]),
    ).toBeLessThan(3);
  });
});
