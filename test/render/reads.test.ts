// What a render says that it read is all that matters: over random commits to a generated repository, whatever leaves the
// reads alone leaves the objects alone, and the kept result is always that of a fresh render.
import { createHash } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { ApplicationSource } from "#model/application.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import { readsTouched } from "#render/reads.ts";
import { createRenderer } from "#render/renderer.ts";
import type { Renderer, RenderResult } from "#render/types.ts";
import { MemoryRepository } from "./memory-repository.ts";

/** DRIFTLESS_ROUNDS=10000 for the long run. */
const rounds = Number(process.env["DRIFTLESS_ROUNDS"] ?? 1500);
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

function generate(): Record<string, string> {
  const files: Record<string, string> = {};
  for (let i = 0; i < 6; i++) {
    files[`base/b${i}/kustomization.yaml`] =
      "resources: [a.yaml]\nconfigMapGenerator: [{ name: g, files: [data.txt] }]\n";
    files[`base/b${i}/a.yaml`] = configMap(`b${i}`, "0");
    files[`base/b${i}/data.txt`] = "0";
    files[`base/b${i}/README.md`] = "0";
    files[`charts/c${i}/Chart.yaml`] = `apiVersion: v2\nname: c${i}\nversion: 1.0.0\n`;
    files[`charts/c${i}/values.yaml`] = "v: 0\n";
    files[`charts/c${i}/templates/a.yaml`] = configMap(`c${i}`, "{{ .Values.v }}{{ .Values.w }}");
    files[`values/v${i}.yaml`] = "w: 0\n";
    files[`lib/l${i}.libsonnet`] = "{ v: '0' }";
    files[`plain/p${i}/a.yaml`] = configMap(`p${i}`, "0");
  }
  for (let i = 0; i < 12; i++) {
    files[`over/o${i}/kustomization.yaml`] = `namePrefix: o${i}-\nresources: [../../base/b${i % 6}, own.yaml]\n`;
    files[`over/o${i}/own.yaml`] = configMap("own", "0");
    files[`over/o${i}/notes.txt`] = "0";
    files[`json/j${i}/a.jsonnet`] =
      `local l = ${jsonnetImport(`../../lib/l${i % 6}.libsonnet`)}; { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'j' }, data: { v: l.v } }`;
  }
  return files;
}

function sourceOf(pick: (below: number) => number): ApplicationSource {
  const repoURL = "memory:";
  switch (pick(4)) {
    case 0:
      return { repoURL, path: `over/o${pick(12)}` };
    case 1:
      return {
        repoURL,
        path: `charts/c${pick(6)}`,
        helm: { valueFiles: [`/values/v${pick(6)}.yaml`], ignoreMissingValueFiles: true },
      };
    case 2:
      return { repoURL, path: `json/j${pick(12)}` };
    default:
      return { repoURL, path: `plain/p${pick(6)}` };
  }
}

/** One random change: a file edited, removed, or made where a render may have looked for it. */
function change(
  files: Record<string, string>,
  pick: (below: number) => number,
  near: readonly string[],
): [Record<string, string>, string] {
  const all = Object.keys(files);
  const close = all.filter((name) => near.some((folder) => name.startsWith(folder)));
  const names = close.length > 0 && pick(2) === 0 ? close : all;
  const name = names[pick(names.length)] as string;
  const next = { ...files };
  const roll = pick(10);
  if (roll < 6) next[name] = (files[name] ?? "").replaceAll(/\d+(?=["'\n}]|$)/g, String(pick(1000)));
  else if (roll < 7) delete next[name];
  else {
    const folder = name.slice(0, name.lastIndexOf("/"));
    const made = ["Chart.yaml", "kustomization.yml", "Kustomization", "new.yaml", ".argocd-source.yaml", "new.txt"];
    const path = `${folder}/${made[pick(made.length)]}`;
    next[path] ??= path.endsWith("new.yaml") ? configMap("new", "0") : "";
    return [next, path];
  }
  return [next, name];
}

async function outcome(
  renderer: Renderer,
  at: { memory: MemoryRepository; sha: string; source: ApplicationSource },
): Promise<RenderResult | string> {
  const { memory, sha, source } = at;
  try {
    return await renderer.render(op, { source, sha, repository: memory.asRepository(), appName: "a", namespace: "n" });
  } catch (error) {
    if (error instanceof DriftlessError && error.code !== "INTERNAL") return `${error.code} ${error.message}`;
    throw error;
  }
}

describe.skipIf(!engineForTests())("reads", () => {
  const pool = testPool();
  const keeping = createRenderer({ digest, engine: pool });
  afterAll(() => pool.close());

  it(`hold over ${rounds} random commits`, { timeout: 180_000 }, async () => {
    const pick = random(20_260_101);
    const memory = new MemoryRepository();
    let files = generate();
    const seen = { touched: 0, untouched: 0, different: 0 };
    for (let round = 0; round < rounds; round++) {
      if (round % 50 === 0) files = generate();
      const source = sourceOf(pick);
      const before = await outcome(keeping, { memory, sha: memory.commit(files), source });
      const near = typeof before === "string" ? [] : before.reads.files.map((file) => file.path.replace(/[^/]*$/, ""));
      const [next, path] = change(files, pick, [`${source.path}/`, ...near]);
      const sha = memory.commit(next);
      files = next;
      const kept = await outcome(keeping, { memory, sha, source });
      const fresh = await outcome(createRenderer({ digest, engine: pool }), { memory, sha, source });
      const label = `round ${round}: ${path} for ${source.path}`;
      const hashOf = (one: RenderResult | string): string => (typeof one === "string" ? one : one.hash);
      expect(hashOf(kept), label).toBe(hashOf(fresh));
      if (typeof before === "string") continue;
      const touched = readsTouched(before.reads, [path]);
      expect(touched || hashOf(fresh) === before.hash, label).toBe(true);
      seen[touched ? "touched" : "untouched"]++;
      if (hashOf(fresh) !== before.hash) seen.different++;
    }
    // The generator must reach all of it, or the test says nothing.
    expect(seen.touched).toBeGreaterThan(rounds / 5);
    expect(seen.untouched).toBeGreaterThan(rounds / 5);
    expect(seen.different).toBeGreaterThan(rounds / 20);
  });
});
