// What a source's parameters refer to and what overrides them: the build environment, `.argocd-source` files, the detection
// of types. As Argo CD documents and does it.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGitWorld, type GitWorld } from "#git/testing.ts";
import type { ApplicationSource } from "#model/application.ts";
import { engineForTests, testPool } from "./engine/testing.ts";
import { readsTouched } from "./reads.ts";
import { createRenderer } from "./renderer.ts";
import type { Renderer, RenderRequest, RenderResult } from "./types.ts";

let world: GitWorld;
let renderer: Renderer;
let count = 0;
beforeAll(async () => {
  world = await createGitWorld();
  renderer = createRenderer({
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    engine: testPool(),
  });
});
afterAll(async () => {
  await renderer.close();
  await world.close();
});

async function render(
  files: Record<string, string>,
  source: Partial<ApplicationSource> = {},
  more: Partial<RenderRequest> = {},
): Promise<RenderResult & { readonly sha: string; readonly url: string }> {
  const { dir, url } = await world.repository(`p${count++}`);
  const sha = await world.commit(dir, files);
  const repository = world.repositories.open({ url });
  await repository.refresh(world.op);
  const whole: ApplicationSource = { repoURL: url, path: "app", targetRevision: "main", ...source };
  const asked = { source: whole, repository, sha, appName: "shop", namespace: "prod", project: "team", ...more };
  return { ...(await renderer.render(world.op, asked)), sha, url };
}

const data = (result: RenderResult, at = 0): unknown => result.objects[at]?.object["data"];
const names = (result: RenderResult): unknown[] => result.objects.map(({ object }) => object.metadata.name);
const chart = (template: string): Record<string, string> => ({
  "app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
  "app/values.yaml": "a: none\nb: none\n",
  "app/templates/cm.yaml": `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: cm }\ndata: ${template}\n`,
});
const both = chart('{ a: "{{ .Values.a }}", b: "{{ .Values.b }}" }');
const set = (a: string, b = ""): Partial<ApplicationSource> => ({
  helm: {
    parameters: [
      { name: "a", value: a },
      { name: "b", value: b },
    ],
  },
});

describe.skipIf(!engineForTests())("the build environment", () => {
  test.each<[written: string, means: (at: { sha: string; url: string }) => string]>([
    ["$ARGOCD_APP_NAME", () => "shop"],
    ["${ARGOCD_APP_NAMESPACE}-x", () => "prod-x"],
    ["$ARGOCD_APP_PROJECT_NAME", () => "team"],
    ["$ARGOCD_APP_REVISION", ({ sha }) => sha],
    ["$ARGOCD_APP_REVISION_SHORT", ({ sha }) => sha.slice(0, 7)],
    ["$ARGOCD_APP_REVISION_SHORT_8", ({ sha }) => sha.slice(0, 8)],
    ["$ARGOCD_APP_SOURCE_PATH", () => "app"],
    ["$ARGOCD_APP_SOURCE_REPO_URL", ({ url }) => url],
    ["$ARGOCD_APP_SOURCE_TARGET_REVISION", () => "main"],
    ["$KUBE_VERSION", () => "1.31.2"],
    ["$KUBE_API_VERSIONS", () => "v1,apps/v1"],
    ["$$FOO-$$", () => "$FOO-$"],
    ["$HOME-${NOTHING}", () => "-"],
  ])("replaces %s in the parameters of a chart and in Jsonnet's variables", async (written, means) => {
    const capabilities = () => Promise.resolve({ kubeVersion: "v1.31.2+k3s1", apiVersions: ["v1", "apps/v1"] });
    // A comma separates two values in Helm's own notation, as on its command line.
    const parameter = written === "$KUBE_API_VERSIONS" ? "1" : written;
    const helm = await render(both, set(parameter), { capabilities });
    expect(data(helm)).toMatchObject({ a: parameter === written ? means(helm) : "1" });
    const extVars = [{ name: "v", value: written }];
    const jsonnet = await render(
      {
        "app/a.jsonnet":
          "{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'j' }, data: { v: std.extVar('v') } }",
      },
      { directory: { jsonnet: { extVars } } },
      { capabilities },
    );
    expect(data(jsonnet)).toEqual({ v: means(jsonnet) });
  });

  test("that names the commit makes every commit count; that does not leaves the others alone", async () => {
    const touched = async (parameter: string): Promise<boolean> =>
      readsTouched((await render(both, set(parameter))).reads, ["elsewhere/README.md"]);
    expect(await touched("$ARGOCD_APP_REVISION_SHORT")).toBe(true);
    expect(await touched("$ARGOCD_APP_NAME")).toBe(false);
  });
});

describe.skipIf(!engineForTests())("overrides in Git", () => {
  test("are merged as a JSON merge patch: lists replaced whole, null taking a field away", async () => {
    const files = {
      ...both,
      "app/.argocd-source.yaml": "helm: { parameters: [{ name: a, value: all }], releaseName: null }\n",
      "app/.argocd-source-shop.yaml": "helm: { values: 'b: mine' }\n",
      "app/.argocd-source-other.yaml": "helm: { values: 'b: theirs' }\n",
    };
    const result = await render(files, { helm: { ...set("spec", "spec").helm, releaseName: "named" } });
    expect(data(result)).toEqual({ a: "all", b: "mine" });
  });

  test("never change where a source comes from", async () => {
    const files = {
      "app/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: here }\n",
      "else/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: elsewhere }\n",
      "app/.argocd-source.yaml":
        "path: else\nrepoURL: https://example.com/x.git\ntargetRevision: v9\nchart: x\ndirectory: { exclude: '.argocd*' }\n",
    };
    expect(names(await render(files))).toEqual(["here"]);
  });
});

describe.skipIf(!engineForTests())("a folder", () => {
  test("with a chart and a kustomization is built as a kustomization", async () => {
    const result = await render({
      ...both,
      "app/kustomization.yaml": "resources: [only.yaml]\n",
      "app/only.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: only }\n",
    });
    expect(result.sourceType).toBe("Kustomize");
    expect(names(result)).toEqual(["only"]);
  });

  test("of YAML and Jsonnet gives objects in the order of the files; the last of two that are one counts", async () => {
    const jsonnet = (name: string): string =>
      `{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '${name}' }, data: { from: 'jsonnet' } }`;
    const yaml = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;
    const result = await render(
      {
        "app/a.jsonnet": jsonnet("twice"),
        "app/b.yaml": yaml("twice"),
        "app/c/d.jsonnet": jsonnet("deep"),
        "app/c.yaml": yaml("after"),
        "app/z.jsonnet": `// +argocd:skip-file-rendering\n${jsonnet("skipped")}`,
      },
      { directory: { recurse: true } },
    );
    expect(names(result)).toEqual(["twice", "deep", "after"]);
    expect(data(result)).toBeUndefined();
    expect(result.duplicates).toHaveLength(1);
  });
});
