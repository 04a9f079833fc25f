// What a render says that it read is all that matters: over random commits to generated repositories, whatever leaves the
// reads alone leaves the objects alone; whatever changes a file that was read is rendered anew; and the kept result is
// always that of a fresh render.
import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { ApplicationSource } from "#model/application.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import { readsTouched } from "#render/reads.ts";
import { createRenderer } from "#render/renderer.ts";
import type { ReadSet, Renderer, RenderResult } from "#render/types.ts";
import { MemoryRepository } from "./memory-repository.ts";

const rounds = Number(process.env["DRIFTLESS_ROUNDS"] ?? 10_000);
/** Side by side, each with a sequence, repositories and a cache of its own. */
const lanes = 4;
const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const op: Operation = { signal: new AbortController().signal, log: silentLogger };

/** Mulberry32: a seed gives always the same sequence. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const configMap = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { v: "${value}" }\n`;

/** Apart, lest our own check of imports takes it for one of this file. */
const jsonnetImport = (path: string): string => `import ${JSON.stringify(path)}`;

/** The repository that the sources stand in. */
function generate(): Record<string, string> {
  const files: Record<string, string> = {};
  for (let i = 0; i < 6; i++) {
    files[`base/b${i}/kustomization.yaml`] =
      "resources: [a.yaml]\nconfigMapGenerator: [{ name: g, files: [data.txt] }]\n";
    files[`base/b${i}/a.yaml`] = configMap(`b${i}`, "0");
    files[`base/b${i}/data.txt`] = "0";
    files[`base/b${i}/README.md`] = "0";
    files[`parts/p${i}/kustomization.yaml`] =
      "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [c.yaml]\n";
    files[`parts/p${i}/c.yaml`] = configMap(`part${i}`, "0");
    files[`charts/c${i}/Chart.yaml`] = `apiVersion: v2\nname: c${i}\nversion: 1.0.0\n`;
    files[`charts/c${i}/values.yaml`] = "v: 0\n";
    files[`charts/c${i}/templates/a.yaml`] = configMap(`c${i}`, "{{ .Values.v }}{{ .Values.w }}{{ .Values.f }}");
    files[`charts/c${i}/notes.md`] = "0";
    files[`values/v${i}.yaml`] = "w: 0\n";
    files[`values/more/m${i}.yaml`] = "w: 0\n";
    files[`values/text${i}.txt`] = "0";
    files[`lib/l${i}.libsonnet`] = "{ v: '0' }";
    files[`plain/p${i}/a.yaml`] = configMap(`p${i}`, "0");
    files[`plain/p${i}/sub/b.yaml`] = configMap(`s${i}`, "0");
    files[`plain/p${i}/sub/skip.yaml`] = configMap(`skipped${i}`, "0");
    files[`named/n${i}/kustomization.yaml`] = "resources: [a.yaml]\n";
    files[`named/n${i}/a.yaml`] = configMap(`n${i}`, "0");
    files[`named/n${i}/.argocd-source.yaml`] = "kustomize: { commonLabels: { all: 'v0' } }\n";
    files[`named/n${i}/.argocd-source-a.yaml`] = "kustomize: { commonLabels: { mine: 'v0' } }\n";
    files[`named/n${i}/.argocd-source-other.yaml`] = "kustomize: { commonLabels: { mine: 'v0' } }\n";
  }
  for (let i = 0; i < 12; i++) {
    files[`over/o${i}/kustomization.yaml`] = `namePrefix: o${i}-\nresources: [../../base/b${i % 6}, own.yaml]\n`;
    files[`over/o${i}/own.yaml`] = configMap("own", "0");
    files[`over/o${i}/notes.txt`] = "0";
    files[`json/j${i}/a.jsonnet`] =
      `local l = ${jsonnetImport(`../../lib/l${i % 6}.libsonnet`)}; { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'j' }, data: { v: l.v } }`;
    files[`json/k${i}/a.jsonnet`] =
      `local l = ${jsonnetImport(`l${i % 6}.libsonnet`)}; [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'k' }, data: { v: l.v } }]`;
  }
  return files;
}

/** Another repository, which lends value files. */
function lent(): Record<string, string> {
  const files: Record<string, string> = { "README.md": "0" };
  for (let i = 0; i < 6; i++) files[`env/e${i}.yaml`] = "w: 0\n";
  return files;
}

type Pick = (below: number) => number;
const repoURL = "memory:";

/** Every kind of source that reads files in a way of its own. */
const kinds: readonly ((pick: Pick) => ApplicationSource)[] = [
  (pick) => ({ repoURL, path: `over/o${pick(12)}` }),
  (pick) => ({ repoURL, path: `over/o${pick(12)}`, kustomize: { components: [`../../parts/p${pick(6)}`] } }),
  (pick) => ({
    repoURL,
    path: `charts/c${pick(6)}`,
    helm: { valueFiles: [`/values/v${pick(6)}.yaml`], ignoreMissingValueFiles: true },
  }),
  (pick) => ({ repoURL, path: `charts/c${pick(6)}`, helm: { valueFiles: ["/values/more/*.yaml"] } }),
  (pick) => ({ repoURL, path: `charts/c${pick(6)}`, helm: { valueFiles: [`$lent/env/e${pick(6)}.yaml`] } }),
  (pick) => ({
    repoURL,
    path: `charts/c${pick(6)}`,
    helm: { fileParameters: [{ name: "f", path: `../../values/text${pick(6)}.txt` }] },
  }),
  (pick) => ({ repoURL, path: `json/j${pick(12)}` }),
  (pick) => ({ repoURL, path: `json/k${pick(12)}`, directory: { jsonnet: { libs: ["lib"] } } }),
  (pick) => ({ repoURL, path: `plain/p${pick(6)}` }),
  (pick) => ({ repoURL, path: `plain/p${pick(6)}`, directory: { recurse: true, exclude: "sub/skip*" } }),
  (pick) => ({ repoURL, path: "plain", directory: { recurse: true, include: `p${pick(6)}/*` } }),
  (pick) => ({ repoURL, path: `named/n${pick(6)}` }),
];

interface Change {
  readonly files: Record<string, string>;
  readonly path: string;
  /** Whether a file that was there has another content that it never had. */
  readonly edited: boolean;
}

let edits = 1000;

/** One random change: a file edited, removed, or made where a render may have looked for it. */
function change(files: Record<string, string>, pick: Pick, near: readonly string[]): Change {
  const all = Object.keys(files);
  const close = all.filter((name) => near.some((folder) => name.startsWith(folder)));
  const names = close.length > 0 && pick(2) === 0 ? close : all;
  const path = names[pick(names.length)] ?? "";
  const next = { ...files };
  const roll = pick(10);
  if (roll < 7) {
    next[path] = (files[path] ?? "").replaceAll(/\d+(?=["'\n}]|$)/g, String(edits++));
    return { files: next, path, edited: next[path] !== files[path] };
  }
  if (roll < 8) {
    delete next[path];
    return { files: next, path, edited: false };
  }
  const folder = path.slice(0, path.lastIndexOf("/"));
  const names2 = ["Chart.yaml", "kustomization.yml", "Kustomization", "new.yaml", ".argocd-source.yaml", "new.txt"];
  const name = [...names2, ".argocd-source-a.yaml"][pick(names2.length + 1)] ?? "";
  const made = folder === "" ? name : `${folder}/${name}`;
  next[made] ??= name === "new.yaml" ? configMap("new", "0") : "";
  return { files: next, path: made, edited: false };
}

interface At {
  readonly memory: MemoryRepository;
  readonly sha: string;
  readonly other: { readonly memory: MemoryRepository; readonly sha: string };
  readonly source: ApplicationSource;
}

async function outcome(renderer: Renderer, at: At): Promise<RenderResult | string> {
  const { memory, sha, other, source } = at;
  const refs = { lent: { repository: other.memory.asRepository(), sha: other.sha } };
  try {
    return await renderer.render(op, {
      source,
      sha,
      repository: memory.asRepository(),
      appName: "a",
      namespace: "n",
      refs,
    });
  } catch (error) {
    if (error instanceof DriftlessError && error.code !== "INTERNAL") return `${error.code} ${error.message}`;
    throw error;
  }
}

const hashOf = (one: RenderResult | string): string => (typeof one === "string" ? one : one.hash);
const workOf = ({ statistics }: Renderer): number => statistics.engineRenders + statistics.filesParsed;
const isManifest = (path: string): boolean => /\.(yaml|yml|json)$/.test(path);

describe.skipIf(!engineForTests())("reads", () => {
  const pool = testPool();
  afterAll(() => pool.close());

  it(`hold over ${rounds} random commits`, { timeout: 300_000 }, async () => {
    const seen = { touched: 0, untouched: 0, different: 0, anew: 0, lent: 0 };
    const lane = async (index: number): Promise<void> => {
      const pick = random(20_260_101 + index);
      const keeping = createRenderer({ digest, engine: pool });
      let [memory, other] = [new MemoryRepository(), new MemoryRepository()];
      let [files, values] = [generate(), lent()];
      for (let round = 0; round < rounds / lanes; round++) {
        if (round % 50 === 0) {
          [memory, other] = [new MemoryRepository(), new MemoryRepository()];
          [files, values] = [generate(), lent()];
        }
        const source = (kinds[pick(kinds.length)] as (typeof kinds)[number])(pick);
        const at = { memory, sha: memory.commit(files), other: { memory: other, sha: other.commit(values) }, source };
        const before = await outcome(keeping, at);
        const lends = JSON.stringify(source).includes("$lent/") && pick(2) === 0;
        const reads = typeof before === "string" ? undefined : lends ? before.refReads?.["lent"] : before.reads;
        const near = (reads?.files ?? []).map(({ path }) => path.replace(/[^/]*$/, ""));
        const changed = change(lends ? values : files, pick, [...near, ...(lends ? [] : [`${source.path}/`])]);
        if (lends) values = changed.files;
        else files = changed.files;
        const now = { ...at, sha: memory.commit(files), other: { memory: other, sha: other.commit(values) } };
        const work = workOf(keeping);
        const kept = await outcome(keeping, now);
        const done = workOf(keeping) - work;
        const fresh = await outcome(createRenderer({ digest, engine: pool }), now);
        const label = `lane ${index}, round ${round}: ${changed.path} for ${JSON.stringify(source)}`;
        expect(hashOf(kept), label).toBe(hashOf(fresh));
        if (typeof before === "string") continue;
        const touched = readsTouched(reads ?? nothing, [changed.path]);
        expect(touched || hashOf(fresh) === before.hash, `${label}: was not read, and matters`).toBe(true);
        seen[touched ? "touched" : "untouched"]++;
        if (lends && touched) seen.lent++;
        if (hashOf(fresh) !== before.hash) seen.different++;
        const readAsFile = reads?.files.some(({ path }) => path === changed.path) === true;
        const readAsManifest =
          before.sourceType === "Directory" && isManifest(changed.path) && hashOf(fresh) !== before.hash;
        const mustRender = changed.edited && (readAsFile || readAsManifest) && typeof kept !== "string";
        expect(done > 0 || !mustRender, `${label}: was read, and is not rendered anew`).toBe(true);
        expect(done === 0 || touched, `${label}: was not read, and is rendered anew`).toBe(true);
        if (mustRender) seen.anew++;
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_none, index) => lane(index)));
    // The generator must reach all of it, or the test says nothing.
    expect(seen.touched).toBeGreaterThan(rounds / 5);
    expect(seen.untouched).toBeGreaterThan(rounds / 5);
    expect(seen.different).toBeGreaterThan(rounds / 20);
    expect(seen.anew).toBeGreaterThan(rounds / 20);
    expect(seen.lent).toBeGreaterThan(rounds / 500);
  });
});

const nothing: ReadSet = { directories: [], files: [], absent: [] };
