import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { createGitWorld, type GitWorld } from "#git/testing.ts";
import type { FileContent } from "#git/seed.ts";
import type { GitRepository } from "#git/types.ts";
import type { ApplicationSource } from "#model/application.ts";
import type { EnginePool } from "./engine/pool.ts";
import { engineForTests, testPool } from "./engine/testing.ts";
import { readsTouched } from "./reads.ts";
import { createRenderer } from "./renderer.ts";
import type { Renderer, RenderRequest, RenderResult } from "./types.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

let world: GitWorld;
let pool: EnginePool;
let renderer: Renderer;
let count = 0;

beforeAll(async () => {
  world = await createGitWorld();
  pool = testPool();
  renderer = createRenderer({ digest, engine: pool });
});
afterAll(async () => {
  await renderer.close();
  await world.close();
});

interface Repo {
  readonly dir: string;
  readonly url: string;
  readonly repository: GitRepository;
}

async function repo(): Promise<Repo> {
  const { dir, url } = await world.repository(`e${count++}`);
  return { dir, url, repository: world.repositories.open({ url }) };
}

async function commit({ dir, repository }: Repo, files: Record<string, FileContent | null>): Promise<string> {
  const sha = await world.commit(dir, files);
  await repository.refresh(world.op);
  return sha;
}

function render(
  { url, repository }: Repo,
  sha: string,
  source: Partial<ApplicationSource>,
  more: Partial<RenderRequest> = {},
): Promise<RenderResult> {
  return renderer.render(world.op, {
    source: { repoURL: url, path: "app", ...source },
    repository,
    sha,
    appName: "shop",
    namespace: "prod",
    ...more,
  });
}

async function once(
  files: Record<string, FileContent>,
  source: Partial<ApplicationSource> = {},
): Promise<RenderResult> {
  const made = await repo();
  return render(made, await commit(made, files), source);
}

async function failure(
  work: Promise<unknown>,
): Promise<{ code: string; message: string; file?: string; line?: number }> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof DriftlessError)) throw error;
    const { file, line } = error.details;
    return {
      code: error.code,
      message: error.message,
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
    };
  }
  return { code: "none", message: "" };
}

const ids = (result: RenderResult): string[] =>
  result.objects.map(({ object }) => `${object.kind}/${object.metadata.name}`);

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: { name: my-api }
spec:
  replicas: 2
  selector: { matchLabels: { app: my-api } }
  template:
    metadata: { labels: { app: my-api } }
    spec: { containers: [{ name: my-api, image: "myregistry.com/my-api:latest" }] }
`;

const monorepo: Record<string, string> = {
  "apps/my-api/base/deployment.yaml": deployment,
  "apps/my-api/base/kustomization.yaml": "resources: [deployment.yaml]\n",
  "apps/my-api/overlays/production/kustomization.yaml": `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: production
resources: [../../base]
patches: [{ path: patch-replicas.yaml }]
images: [{ name: myregistry.com/my-api, newTag: v1.4.2 }]
`,
  "apps/my-api/overlays/production/patch-replicas.yaml":
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: my-api }\nspec: { replicas: 5 }\n",
  "apps/my-api/overlays/production/README.md": "for people\n",
  "apps/other/kustomization.yaml": "resources: []\n",
};

const chart = (templates: Record<string, string>, more: Record<string, string> = {}): Record<string, string> => ({
  "app/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.2.3\n",
  "app/values.yaml": "replicas: 1\n",
  ...Object.fromEntries(Object.entries(templates).map(([name, text]) => [`app/templates/${name}`, text])),
  ...more,
});

const configMap = (data: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}" }\ndata:\n  value: ${data}\n`;

const valueOf = (result: RenderResult): unknown =>
  (result.objects[0]?.object as { data?: Record<string, unknown> } | undefined)?.data?.["value"];

describe.skipIf(!engineForTests())("sources that the engine renders", () => {
  describe("Kustomize", () => {
    const path = "apps/my-api/overlays/production";

    it("renders an overlay with patches and images from a base", async () => {
      const result = await once(monorepo, { path });
      expect(result.sourceType).toBe("Kustomize");
      const [object] = result.objects;
      expect(object?.object.metadata.namespace).toBe("production");
      expect(object?.object).toMatchObject({
        spec: { replicas: 5, template: { spec: { containers: [{ image: "myregistry.com/my-api:v1.4.2" }] } } },
      });
    });

    it("says what it read: neither more nor less", async () => {
      const { reads } = await once(monorepo, { path });
      for (const read of [
        `${path}/kustomization.yaml`,
        `${path}/patch-replicas.yaml`,
        "apps/my-api/base/deployment.yaml",
        `${path}/.argocd-source.yaml`,
        `${path}/Kustomization`,
        "apps/my-api/base",
      ])
        expect(readsTouched(reads, [read]), read).toBe(true);
      for (const other of [
        `${path}/README.md`,
        `${path}/Chart.yaml`,
        "apps/other/kustomization.yaml",
        "apps/my-api/base/new.yaml",
      ])
        expect(readsTouched(reads, [other]), other).toBe(false);
    });

    it("renders again only when a commit changes what was read", async () => {
      const made = await repo();
      const first = await render(made, await commit(made, monorepo), { path });
      const before = renderer.statistics.engineRenders;
      const same = await render(made, await commit(made, { [`${path}/README.md`]: "else\n", "new.yaml": "a: 1\n" }), {
        path,
      });
      expect(renderer.statistics.engineRenders).toBe(before);
      expect(same.hash).toBe(first.hash);
      const changed = await render(
        made,
        await commit(made, {
          "apps/my-api/base/deployment.yaml": deployment.replace("latest", "1") + "  paused: true\n",
        }),
        { path },
      );
      expect(renderer.statistics.engineRenders).toBe(before + 1);
      expect(changed.hash).not.toBe(first.hash);
    });

    it("keeps what was rendered over a restart, and distrusts what is damaged", async () => {
      const cacheDir = mkdtempSync(join(tmpdir(), "driftless-kept-"));
      const made = await repo();
      const sha = await commit(made, monorepo);
      const again = async (): Promise<{ hash: string; renders: number; diskHits: number }> => {
        const own = createRenderer({ digest, engine: testPool({ processes: 1 }), cacheDir });
        try {
          const source = { repoURL: made.url, path };
          const { hash } = await own.render(world.op, { source, repository: made.repository, sha, appName: "shop" });
          return { hash, renders: own.statistics.engineRenders, diskHits: own.statistics.diskHits };
        } finally {
          await own.close();
        }
      };
      const first = await again();
      expect(first).toMatchObject({ renders: 1, diskHits: 0 });
      expect(await again()).toEqual({ hash: first.hash, renders: 0, diskHits: 1 });
      writeFileSync(join(cacheDir, "parsed.sqlite"), "no database");
      expect(await again()).toEqual(first);
      rmSync(cacheDir, { recursive: true, force: true });
    });

    it("takes the Application's overrides", async () => {
      const result = await once(
        {
          ...monorepo,
          "component/kustomization.yaml":
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: { from: component }\n",
        },
        {
          path,
          kustomize: {
            namePrefix: "a-",
            nameSuffix: "-z",
            images: ["myregistry.com/my-api=other/api:${ARGOCD_APP_NAME}"],
            replicas: [{ name: "my-api", count: "7" }],
            commonLabels: { team: "${ARGOCD_APP_NAMESPACE}" },
            labelWithoutSelector: true,
            commonAnnotations: { rev: "$ARGOCD_APP_NAME", plain: "x" },
            commonAnnotationsEnvsubst: true,
            namespace: "elsewhere",
            patches: [{ target: { kind: "Deployment" }, patch: "- {op: add, path: /spec/paused, value: true}" }],
            components: ["../../../../component", "../missing"],
            ignoreMissingComponents: true,
          },
        },
      );
      expect(result.objects[0]?.object).toMatchObject({
        metadata: {
          name: "a-my-api-z",
          namespace: "elsewhere",
          labels: { team: "prod" },
          annotations: { rev: "shop", plain: "x", from: "component" },
        },
        spec: {
          replicas: 7,
          paused: true,
          selector: { matchLabels: { app: "my-api" } },
          template: { spec: { containers: [{ image: "other/api:shop" }] } },
        },
      });
    });

    it("takes overrides that are stored in Git", async () => {
      const result = await once(
        {
          ...monorepo,
          [`${path}/.argocd-source.yaml`]: "kustomize: { images: ['myregistry.com/my-api:v2'], namePrefix: all- }\n",
          [`${path}/.argocd-source-shop.yaml`]: "kustomize: { namePrefix: one- }\n",
        },
        { path, kustomize: { namePrefix: "spec-" } },
      );
      expect(ids(result)).toEqual(["Deployment/one-my-api"]);
      expect(JSON.stringify(result.objects[0]?.object)).toContain("my-api:v2");
    });

    const refused: [string, Record<string, FileContent>, string, string][] = [
      [
        "a remote base",
        { "app/kustomization.yaml": "namePrefix: a-\nresources:\n- https://example.com/base.yaml\n" },
        "RENDER_REFUSED",
        "app/kustomization.yaml:3",
      ],
      [
        "a remote Git base",
        { "app/kustomization.yaml": "resources: ['github.com/a/b//c?ref=main']\n" },
        "RENDER_REFUSED",
        "github.com/a/b//c",
      ],
      [
        "a remote file of a generator",
        { "app/kustomization.yaml": "configMapGenerator: [{name: a, files: ['a=https://example.com/x']}]\n" },
        "RENDER_REFUSED",
        "https://example.com/x",
      ],
      [
        "a path out of the repository",
        { "app/kustomization.yaml": "resources: [../../../etc/passwd]\n" },
        "RENDER_REFUSED",
        "leads out of the repository",
      ],
      [
        "a link out of the repository",
        { "app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": { symlink: "../../etc/passwd" } },
        "RENDER_REFUSED",
        "leads out of the repository",
      ],
      [
        "a circle",
        { "app/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../app]\n" },
        "RENDER_FAILED",
        "cycle detected",
      ],
      [
        "a file that is missing",
        { "app/kustomization.yaml": "resources: [none.yaml]\n" },
        "RENDER_FAILED",
        "none.yaml",
      ],
      [
        "a program as generator",
        {
          "app/kustomization.yaml": "generators: [g.yaml]\n",
          "app/g.yaml":
            "apiVersion: x/v1\nkind: Evil\nmetadata: {name: a, annotations: {config.kubernetes.io/function: 'exec: {path: ./x}'}}\n",
          "app/x": "#!/bin/sh\n",
        },
        "RENDER_REFUSED",
        "",
      ],
      [
        "helmCharts",
        { "app/kustomization.yaml": "helmCharts: [{name: x, repo: 'https://example.com'}]\n" },
        "SOURCE_UNSUPPORTED",
        "helmCharts",
      ],
      [
        "invalid YAML",
        { "app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": "a:\n\t- b\n" },
        "RENDER_FAILED",
        "a.yaml",
      ],
    ];
    it.each(refused)("tells %s, and where", async (_name, files, code, text) => {
      const error = await failure(once(files));
      expect(error.message).toContain(text);
      expect(error.code).toBe(code);
      expect(error.message).not.toContain("/repository/");
    });
  });

  describe("Helm", () => {
    it("renders a chart with values in their order", async () => {
      const files = chart(
        {
          "a.yaml": configMap(
            '{{ list .Values.a .Values.b .Values.c .Values.d .Values.e .Values.f | join "," | quote }}',
          ),
        },
        {
          "app/values.yaml": "a: chart\nb: chart\nc: chart\nd: chart\ne: chart\nf: chart\n",
          "app/one.yaml": "b: one\nc: one\nd: one\ne: one\n",
          "values/two.yaml": "c: two\nd: two\ne: two\n",
          "app/file.txt": "from file",
        },
      );
      const result = await once(files, {
        helm: {
          valueFiles: ["one.yaml", "/values/two.yaml", "missing.yaml"],
          ignoreMissingValueFiles: true,
          values: "d: values\ne: values\n",
          parameters: [{ name: "e", value: "set,${ARGOCD_APP_NAME}" }],
          fileParameters: [{ name: "f", path: "file.txt" }],
        },
      });
      expect(valueOf(result)).toBe("chart,one,two,values,set,shop,from file");
      expect(result.objects[0]?.file).toBe("app/templates/a.yaml");
      expect(readsTouched(result.reads, ["values/two.yaml"])).toBe(true);
      expect(readsTouched(result.reads, ["app/missing.yaml"])).toBe(true);
      expect(readsTouched(result.reads, ["values/three.yaml"])).toBe(false);
    });

    const values: [string, string, ApplicationSource["helm"], unknown][] = [
      [
        "forceString",
        "{{ .Values.x | kindOf }}",
        { parameters: [{ name: "x", value: "1", forceString: true }] },
        "string",
      ],
      ["a number parameter", "{{ .Values.x | kindOf }}", { parameters: [{ name: "x", value: "1" }] }, "int64"],
      ["a list parameter", "{{ .Values.x | len | quote }}", { parameters: [{ name: "x", value: "{a,b,c}" }] }, "3"],
      ["valuesObject before values", "{{ .Values.x }}", { values: "x: text", valuesObject: { x: "object" } }, "object"],
      ["a glob of value files", "{{ .Values.x }}{{ .Values.z }}", { valueFiles: ["envs/*.yaml"] }, "ab"],
      ["releaseName", "{{ .Release.Name }}", { releaseName: "other" }, "other"],
      ["namespace", "{{ .Release.Namespace }}", { namespace: "other" }, "other"],
      ["lookup gives nothing", '{{ lookup "v1" "Secret" "a" "b" | len | quote }}', {}, "0"],
      ["no name is resolved", 'x{{ getHostByName "localhost" }}', {}, "x"],
      ["kubeVersion of the source", "{{ .Capabilities.KubeVersion.Version }}", { kubeVersion: "1.29.3" }, "v1.29.3"],
      [
        "apiVersions of the source",
        '{{ .Capabilities.APIVersions.Has "a.b/v1/C" | quote }}',
        { apiVersions: ["a.b/v1/C"] },
        "true",
      ],
      ["files of the chart", '{{ .Files.Get "envs/a.yaml" | trim | quote }}', {}, "x: a"],
    ];
    it.each(values)("%s", async (_name, template, helm, expected) => {
      const files = chart(
        { "a.yaml": configMap(template) },
        { "app/envs/a.yaml": "x: a\n", "app/envs/b.yaml": "z: b\n" },
      );
      expect(valueOf(await once(files, helm === undefined ? {} : { helm }))).toBe(expected);
    });

    it("takes value files of another source, and says what it read of it", async () => {
      const other = await repo();
      const lent = { repository: other.repository, sha: await commit(other, { "envs/prod.yaml": "x: lent\n" }) };
      const made = await repo();
      const sha = await commit(made, chart({ "a.yaml": configMap("{{ .Values.x }}") }));
      const helm = { valueFiles: ["$values/envs/prod.yaml", "$values/envs/none.yaml"], ignoreMissingValueFiles: true };
      const result = await render(made, sha, { helm }, { refs: { values: lent } });
      expect(valueOf(result)).toBe("lent");
      const reads = result.refReads?.["values"] ?? { directories: [], files: [], absent: [] };
      expect(readsTouched(reads, ["envs/prod.yaml"])).toBe(true);
      expect(readsTouched(reads, ["envs/none.yaml"])).toBe(true);
      expect(readsTouched(reads, ["envs/dev.yaml"])).toBe(false);
    });

    it("counts the cluster's capabilities as read only when a template asks for them", async () => {
      const made = await repo();
      const sha = await commit(made, {
        ...chart({ "a.yaml": configMap("fixed") }),
        "asks/Chart.yaml": "apiVersion: v2\nname: asks\nversion: 1.0.0\n",
        "asks/templates/a.yaml": configMap("{{ .Capabilities.KubeVersion.Minor | quote }}"),
      });
      const at = (path: string, kubeVersion: string): Promise<RenderResult> =>
        render(made, sha, { path }, { capabilities: async () => ({ kubeVersion }) });
      await at("app", "1.30.0");
      let before = renderer.statistics.engineRenders;
      await at("app", "1.31.0");
      expect(renderer.statistics.engineRenders).toBe(before);
      expect(valueOf(await at("asks", "1.30.0"))).toBe("30");
      before = renderer.statistics.engineRenders;
      expect(valueOf(await at("asks", "1.31.0"))).toBe("31");
      expect(valueOf(await at("asks", "1.30.0"))).toBe("30");
      expect(renderer.statistics.engineRenders).toBe(before + 1);
    });

    it("gives CRDs, hooks and tests as asked, and no notes", async () => {
      const files = chart(
        {
          "job.yaml":
            "apiVersion: batch/v1\nkind: Job\nmetadata: { name: j, annotations: { helm.sh/hook: pre-install } }\n",
          "test.yaml": "apiVersion: v1\nkind: Pod\nmetadata: { name: t, annotations: { helm.sh/hook: test } }\n",
          "service.yaml": "apiVersion: v1\nkind: Service\nmetadata: { name: s }\n",
          "empty.yaml": "{{ if false }}a: b{{ end }}\n",
          "NOTES.txt": "Thank you.\n",
        },
        {
          "app/crds/c.yaml":
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: c }\n",
        },
      );
      expect(ids(await once(files))).toEqual(["CustomResourceDefinition/c", "Service/s", "Pod/t", "Job/j"]);
      expect(ids(await once(files, { helm: { skipTests: true, skipCrds: true } }))).toEqual(["Service/s", "Job/j"]);
    });

    it("renders subcharts with conditions, aliases and file:// repositories", async () => {
      const files = chart(
        { "a.yaml": "" },
        {
          "app/Chart.yaml": `apiVersion: v2
name: web
version: 1.0.0
dependencies:
- { name: sub, version: 1.x.x, repository: "https://example.com", alias: renamed }
- { name: idle, version: 1.0.0, repository: "https://example.com", condition: idle.enabled }
- { name: near, version: ">=0", repository: "file://../near" }
`,
          "app/values.yaml": "renamed: { v: parent }\nidle: { enabled: false }\n",
          "app/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.4.0\n",
          "app/charts/sub/values.yaml": "v: child\n",
          "app/charts/sub/templates/a.yaml":
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: 'sub-{{ .Values.v }}' }\n",
          "app/charts/idle/Chart.yaml": "apiVersion: v2\nname: idle\nversion: 1.0.0\n",
          "app/charts/idle/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: idle }\n",
          "near/Chart.yaml": "apiVersion: v2\nname: near\nversion: 0.1.0\n",
          "near/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: near }\n",
        },
      );
      const result = await once(files);
      expect(ids(result).sort()).toEqual(["ConfigMap/near", "ConfigMap/sub-parent"]);
      expect(readsTouched(result.reads, ["near/values.yaml"])).toBe(true);
    });

    const broken: [string, Record<string, FileContent>, string, string][] = [
      [
        "a template error",
        chart({ "a.yaml": "a: 1\nb: {{ .Values.x.y.z }}\n" }),
        "RENDER_FAILED",
        "app/templates/a.yaml:2:",
      ],
      [
        "a template that does not parse",
        chart({ "a.yaml": "a: 1\n{{ if }}\n" }),
        "RENDER_FAILED",
        "app/templates/a.yaml:2",
      ],
      ["fail and required", chart({ "a.yaml": '{{ required "give x" .Values.x }}' }), "RENDER_FAILED", "give x"],
      [
        "invalid output",
        chart({ "a.yaml": "apiVersion: v1\nkind: ConfigMap\n  bad: [\n" }),
        "MANIFEST_INVALID",
        "app/templates/a.yaml",
      ],
      [
        "a dependency that is missing",
        chart(
          {},
          {
            "app/Chart.yaml":
              "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: redis, version: 18.x, repository: 'https://charts.example.com'}]\n",
          },
        ),
        "RENDER_REFUSED",
        "app/Chart.yaml: redis of https://charts.example.com: what stands elsewhere cannot be read here",
      ],
      [
        "values that break the schema",
        chart({ "a.yaml": "" }, { "app/values.schema.json": '{"properties":{"replicas":{"type":"string"}}}' }),
        "RENDER_FAILED",
        "web: replicas: got number, want string",
      ],
      [
        "a schema that loads",
        chart({ "a.yaml": "" }, { "app/values.schema.json": '{"$ref":"https://example.com/s.json"}' }),
        "RENDER_FAILED",
        "may not load https://example.com/s.json",
      ],
      [
        "a chart of a newer Kubernetes",
        chart({}, { "app/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\nkubeVersion: '>=99'\n" }),
        "RENDER_FAILED",
        "requires kubeVersion >=99",
      ],
      ["invalid values", chart({}, { "app/values.yaml": "a: [\n" }), "RENDER_FAILED", "app/values.yaml"],
    ];
    it.each(broken)("tells %s, and where", async (_name, files, code, text) => {
      const error = await failure(once(files));
      expect(error.message).toContain(text);
      expect(error.code).toBe(code);
    });

    const outside: [string, ApplicationSource["helm"], string][] = [
      ["a value file by URL", { valueFiles: ["https://example.com/v.yaml"] }, "RENDER_REFUSED"],
      ["a value file outside", { valueFiles: ["../../etc/passwd"] }, "RENDER_REFUSED"],
      ["a value file of a source that is not there", { valueFiles: ["$values/v.yaml"] }, "SPEC_INVALID"],
      ["a value file outside of another source", { valueFiles: ["$here/../v.yaml"] }, "RENDER_REFUSED"],
      ["a value file that is missing", { valueFiles: ["none.yaml"] }, "RENDER_FAILED"],
      ["a parameter of the wrong type", { valueFiles: [1] }, "SPEC_INVALID"],
    ];
    it.each(outside)("refuses %s", async (_name, helm, code) => {
      const made = await repo();
      const sha = await commit(made, chart({ "a.yaml": "" }));
      const refs = { here: { repository: made.repository, sha } };
      expect(await failure(render(made, sha, helm ? { helm } : {}, { refs }))).toMatchObject({ code });
    });
  });

  describe("Jsonnet in a directory", () => {
    it("evaluates files with variables, arguments and libraries", async () => {
      const result = await once(
        {
          "app/a.jsonnet":
            "local lib = import 'lib.libsonnet'; local near = import 'near.libsonnet';\nfunction(tla='none') [lib.cm(std.extVar('env')), near.cm(tla), lib.cm(std.toString(std.extVar('n') + 1))]\n",
          "app/near.libsonnet": "{ cm(name):: (import 'lib.libsonnet').cm(name) }",
          "app/plain.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain }\n",
          "vendor/lib.libsonnet": "{ cm(name):: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name } } }",
        },
        {
          directory: {
            jsonnet: {
              extVars: [
                { name: "env", value: "$ARGOCD_APP_NAME" },
                { name: "n", value: "1", code: true },
              ],
              tlas: [{ name: "tla", value: "given" }],
              libs: ["vendor"],
            },
          },
        },
      );
      expect(ids(result)).toEqual(["ConfigMap/shop", "ConfigMap/given", "ConfigMap/2", "ConfigMap/plain"]);
      expect(readsTouched(result.reads, ["vendor/lib.libsonnet"])).toBe(true);
      expect(readsTouched(result.reads, ["vendor/other.libsonnet"])).toBe(false);
    });

    it.each([
      ["an error", "{ a: 1 } + error 'no'", "RENDER_FAILED"],
      ["an import outside", "import '../../x'", "RENDER_REFUSED"],
      ["an absolute import", "importstr '/etc/passwd'", "RENDER_REFUSED"],
    ])("tells %s, and where", async (_name, text, code) => {
      expect(await failure(once({ "app/a.jsonnet": text }))).toMatchObject({ code, file: "app/a.jsonnet" });
    });
  });
});
