// What a branch would change: which applications are looked at, what is rendered for it, what is said of each. With real
// Git repositories and the real renderer; no cluster is needed to tell one desired state from another.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Operation } from "#base/operation.ts";
import { createGitWorld, testClock, type GitWorld } from "#git/testing.ts";
import type { GitRepository } from "#git/types.ts";
import { sourcesOf, type Application, type ApplicationSource } from "#model/application.ts";
import type { Preview } from "#protocol/preview.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import { createRenderer } from "#render/renderer.ts";
import type { Renderer } from "#render/types.ts";
import { desiredState, type Desired } from "./desired.ts";
import { previewChange, type PreviewDeps, type PreviewRequest } from "./preview.ts";
import { Sources, type FollowRequest, type RenderedSource } from "./sources.ts";
import { newAppState, type AppState } from "../state.ts";

const configMap = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  v: "${value}"\n`;

let world: GitWorld;
let op: Operation;
beforeAll(async () => {
  world = await createGitWorld();
  op = world.op;
});
const renderers: Renderer[] = [];
afterAll(async () => {
  await Promise.all(renderers.map((renderer) => renderer.close()));
  await world.close();
});

interface Fleet {
  readonly deps: PreviewDeps;
  readonly sources: Sources;
  readonly renderer: Renderer;
  readonly states: Map<string, AppState>;
  readonly repository: GitRepository;
  readonly url: string;
  readonly dir: string;
  add(name: string, ...sources: Partial<ApplicationSource>[]): Promise<void>;
  preview(head: PreviewRequest["head"], more?: Partial<PreviewRequest>): Promise<Preview>;
}

/** Applications over a repository as the controller would hold them after a pass. */
async function fleet(name: string, files: Record<string, string>): Promise<Fleet & { first: string }> {
  const { dir, url } = await world.repository(name);
  const first = await world.commit(dir, files);
  const renderer = createRenderer({
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    engine: testPool(),
  });
  renderers.push(renderer);
  const sources = new Sources({
    repositories: world.repositories,
    renderer,
    access: (repoURL) => ({ url: repoURL }),
    affected: (applications) => {
      for (const key of applications) {
        const state = states.get(key);
        if (state) state.renderDirty = true;
      }
    },
    op,
  });
  const states = new Map<string, AppState>();
  const requestOf = ({ app, key }: AppState): FollowRequest => ({
    application: key,
    appName: app.metadata.name ?? "",
    project: "default",
    namespace: "n",
    sources: sourcesOf(app.spec),
  });
  const desiredOf = (rendered: readonly RenderedSource[], { tag }: AppState): Desired =>
    desiredState({
      application: tag,
      rendered,
      destination: { server: "https://kubernetes.default.svc", name: "in-cluster", namespace: "n" },
      tracking: { method: "annotation", instanceLabelKey: "app", controllerNamespace: "argocd" },
      project: {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "AppProject",
        metadata: { name: "default" },
        spec: { sourceRepos: ["*"], destinations: [{ server: "*", namespace: "*" }] },
      },
      scopeOf: () => "namespaced",
    });
  const deps: PreviewDeps = {
    sources,
    clock: testClock,
    states: () => states.values(),
    desiredAt: async (inner, state, revisions) =>
      desiredOf(await sources.renderAt(inner, requestOf(state), revisions), state),
    compareWith: () => Promise.reject(new Error("no cluster here")),
  };
  return {
    deps,
    sources,
    renderer,
    states,
    url,
    dir,
    first,
    repository: world.repositories.open({ url }),
    async add(app, ...given) {
      const all = given.map((source) => ({ repoURL: url, targetRevision: "main", ...source }));
      const spec = { project: "default", destination: { server: "x", namespace: "n" }, sources: all };
      const metadata = { name: app, namespace: "argocd" };
      const object: Application = { apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata, spec };
      const state = newAppState(`argocd/${app}`, app, object);
      states.set(state.key, state);
      try {
        state.desired = desiredOf(await sources.follow(op, requestOf(state)), state);
        state.renderDirty = false;
      } catch {
        // As the controller: it stays to be rendered.
      }
    },
    preview: (head, more = {}) =>
      previewChange(
        op,
        deps,
        { repository: url, base: "main", head, against: "base", matches: () => true, ...more },
        () => {},
      ),
  };
}

const told = ({ applications }: Preview): Record<string, unknown> =>
  Object.fromEntries(
    applications.map(({ name, outcome, objects }) => [
      name,
      outcome === "changed" ? objects.map(({ change, kind, name: object }) => `${change} ${kind} ${object}`) : outcome,
    ]),
  );

describe("a branch", () => {
  test("concerns the applications that follow its base and read what it changed", async () => {
    const f = await fleet("branch", {
      "a/x.yaml": configMap("a", "1"),
      "a/gone.yaml": configMap("gone", "1"),
      "b/x.yaml": configMap("b", "1"),
      "c/x.yaml": configMap("c", "1"),
    });
    await f.add("a", { path: "a" });
    await f.add("a-at-head", { path: "a", targetRevision: "HEAD" });
    await f.add("a-pinned", { path: "a", targetRevision: f.first });
    await f.add("b", { path: "b" });
    await f.add("both", { path: "b" }, { path: "c" });
    await world.commit(
      f.dir,
      { "a/x.yaml": configMap("a", "2"), "a/new.yaml": configMap("new", "1"), "a/gone.yaml": null, "README.md": "r" },
      { branch: "topic", parent: f.first },
    );
    const before = f.renderer.statistics.renders;

    const preview = await f.preview("topic");

    const changes = ["added ConfigMap new", "changed ConfigMap a", "removed ConfigMap gone"];
    expect(told(preview)).toEqual({
      a: expect.arrayContaining(changes) as unknown,
      "a-at-head": expect.arrayContaining(changes) as unknown,
    });
    expect(preview.statistics).toMatchObject({ following: 4, affected: 2, rendered: 2 });
    expect(f.renderer.statistics.renders - before).toBe(2);
    const changed = preview.applications[0]?.objects.find(({ change }) => change === "changed");
    expect(changed).toMatchObject({ file: "a/x.yaml", before: { data: { v: "1" } }, after: { data: { v: "2" } } });
    expect([...f.states.values()].some(({ renderDirty }) => renderDirty)).toBe(false);
  });

  test("is laid over its base as it is now", async () => {
    const lines = (one: string, two: string): string =>
      `${configMap("a", one)}---\n# far\n# enough\n# away\n${configMap("z", two)}`;
    const f = await fleet("moved", { "a/x.yaml": lines("1", "1"), "a/y.yaml": configMap("why", "1"), "a/w": "1" });
    await f.add("a", { path: "a" });
    await world.commit(
      f.dir,
      { "a/x.yaml": lines("topic", "1"), "a/y.yaml": configMap("why", "topic") },
      { branch: "topic", parent: f.first },
    );
    const moved = await world.commit(f.dir, { "a/x.yaml": lines("1", "main"), "a/y.yaml": configMap("why", "main") });
    await f.sources.refreshMatching(op, () => true);

    const preview = await f.preview("topic");

    expect(preview).toMatchObject({ base: { sha: moved }, mergeBase: f.first, conflicts: ["a/y.yaml"] });
    expect(told(preview)).toEqual({ a: ["changed ConfigMap a", "changed ConfigMap why"] });
    const values = preview.applications[0]?.objects.map(({ before, after }) => [before, after]);
    expect(values).toMatchObject([
      [{ data: { v: "1" } }, { data: { v: "topic" } }],
      [{ data: { v: "main" } }, { data: { v: "topic" } }],
    ]);
  });

  test("that breaks an application says why, and mends others", async () => {
    const f = await fleet("broken", { "a/x.yaml": configMap("a", "1"), "b/x.yaml": "a: [", "b/README.md": "" });
    await f.add("a", { path: "a" });
    await f.add("b", { path: "b" });
    await world.commit(
      f.dir,
      { "a/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: [", "b/x.yaml": configMap("b", "1") },
      { branch: "topic", parent: f.first },
    );

    const preview = await f.preview("topic");

    expect(told(preview)).toEqual({ a: "failed", b: ["added ConfigMap b"] });
    const [a, b] = preview.applications;
    expect(a?.error).toMatchObject({
      code: "MANIFEST_INVALID",
      message: expect.stringContaining("a/x.yaml") as string,
    });
    expect(b?.baseError).toMatchObject({ code: "MANIFEST_INVALID" });
  });

  test("shows Applications as objects, and no value of a Secret", async () => {
    const secret = (value: string): string =>
      `apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: ${value}\n`;
    const child = (revision: string): string =>
      `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: child\nspec:\n  source:\n    targetRevision: ${revision}\n`;
    const f = await fleet("root", { "r/s.yaml": secret("hunter1"), "r/app.yaml": child("v1") });
    await f.add("root", { path: "r" });
    await world.commit(
      f.dir,
      { "r/s.yaml": secret("hunter2"), "r/app.yaml": child("v2") },
      { branch: "topic", parent: f.first },
    );

    const preview = await f.preview("topic");

    expect(told(preview)).toEqual({ root: ["changed Secret s", "changed Application child"] });
    expect(JSON.stringify(preview)).not.toContain("hunter");
    const masks = preview.applications[0]?.objects[0];
    expect(JSON.stringify(masks?.before)).not.toBe(JSON.stringify(masks?.after));
  });

  test("is previewed for those alone whom the request matches; an unknown repository or branch is said", async () => {
    const f = await fleet("narrow", { "a/x.yaml": configMap("a", "1") });
    await f.add("one", { path: "a" });
    await f.add("two", { path: "a" });
    await world.commit(f.dir, { "a/x.yaml": configMap("a", "2") }, { branch: "topic", parent: f.first });
    const preview = await f.preview("topic", { matches: ({ metadata }) => metadata.name === "two" });
    expect(told(preview)).toEqual({ two: ["changed ConfigMap a"] });
    await expect(f.preview("nowhere")).rejects.toMatchObject({ code: "REVISION_NOT_FOUND" });
    await expect(f.preview("topic", { repository: "https://git.example.com/no.git" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });

  test("may be files over a commit of it", async () => {
    const f = await fleet("local", { "a/x.yaml": configMap("a", "1"), "b/x.yaml": configMap("b", "1") });
    await f.add("a", { path: "a" });
    await f.add("b", { path: "b" });
    const topic = await world.commit(f.dir, { "a/x.yaml": configMap("a", "2") }, { branch: "topic", parent: f.first });
    const files = new Map([["b/x.yaml", { bytes: Buffer.from(configMap("b", "2")) }]]);

    const preview = await f.preview({ files, over: topic });

    expect(told(preview)).toEqual({ a: ["changed ConfigMap a"], b: ["changed ConfigMap b"] });
    expect(preview.head.revision).toBe("local files");
  });
});

describe.skipIf(!engineForTests())("in a repository of 200 applications", () => {
  test("a preview renders what the branch touches, and nothing else", { timeout: 120_000 }, async () => {
    const files: Record<string, string> = { "README.md": "1" };
    for (let base = 0; base < 10; base++) {
      files[`base/${base}/kustomization.yaml`] = "resources: [cm.yaml]\n";
      files[`base/${base}/cm.yaml`] = configMap(`base${base}`, "1");
    }
    files["chart/Chart.yaml"] = "apiVersion: v2\nname: chart\nversion: 1.0.0\n";
    files["chart/templates/cm.yaml"] = configMap("chart", "{{ .Values.v }}");
    for (let index = 0; index < 200; index++) {
      if (index % 4 === 3) files[`app/${index}/cm.yaml`] = configMap(`plain${index}`, "1");
      else if (index % 4 === 2) files[`values/${index}.yaml`] = "v: 1\n";
      else files[`app/${index}/kustomization.yaml`] = `namePrefix: a${index}-\nresources: [../../base/${index % 10}]\n`;
    }
    const f = await fleet("monorepo", files);
    for (let index = 0; index < 200; index++) {
      await f.add(
        `app-${index}`,
        index % 4 === 2 ? { path: "chart", helm: { valueFiles: [`/values/${index}.yaml`] } } : { path: `app/${index}` },
      );
    }
    const cost = async (branch: string, change: Record<string, string>): Promise<unknown> => {
      await world.commit(f.dir, change, { branch, parent: f.first });
      const before = f.renderer.statistics;
      const preview = await f.preview(branch);
      const after = f.renderer.statistics;
      const { following, affected, rendered } = preview.statistics;
      expect(following).toBe(200);
      return {
        affected,
        rendered,
        asked: after.renders - before.renders,
        engine: after.engineRenders - before.engineRenders,
        parsed: after.filesParsed - before.filesParsed,
        changed: preview.applications.filter(({ outcome }) => outcome === "changed").length,
      };
    };
    const one = { affected: 1, rendered: 1, asked: 1, changed: 1 };
    const overlay = "namePrefix: b-\nresources: [../../base/4]\n";
    expect(await cost("overlay", { "app/4/kustomization.yaml": overlay })).toEqual({ ...one, engine: 1, parsed: 0 });
    expect(await cost("values", { "values/6.yaml": "v: 2\n" })).toEqual({ ...one, engine: 1, parsed: 0 });
    expect(await cost("plain", { "app/7/cm.yaml": configMap("plain7", "2") })).toEqual({
      ...one,
      engine: 0,
      parsed: 1,
    });
    const ten = { affected: 10, rendered: 10, asked: 10, engine: 10, parsed: 0, changed: 10 };
    expect(await cost("base", { "base/4/cm.yaml": configMap("base4", "2") })).toEqual(ten);
    // Files that are in no commit render as if they were.
    const onDisk = new Map([
      ["base/5/cm.yaml", { bytes: Buffer.from(configMap("base5", "2")) }],
      ["chart/values.yaml", { bytes: Buffer.from("v: 9\n") }],
      ["values/10.yaml", null],
    ]);
    const local = await f.preview({ files: onDisk, over: f.first });
    const outcomes = local.applications.map(({ outcome, error }) => error?.code ?? outcome);
    expect(outcomes.filter((outcome) => outcome === "changed")).toHaveLength(10);
    expect(outcomes.filter((outcome) => outcome === "RENDER_FAILED")).toHaveLength(1);
    expect(local.statistics.affected).toBe(10 + 50);
    const none = { affected: 0, rendered: 0, asked: 0, engine: 0, parsed: 0, changed: 0 };
    expect(await cost("readme", { "README.md": "2" })).toEqual(none);
  });
});
