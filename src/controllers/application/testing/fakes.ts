// Stand-ins for what the controller asks of the world: a repository whose commits are maps of files, and a renderer that
// reads one object from each file.
import type { Operation } from "#base/operation.ts";
import { silentLogger } from "#base/operation.ts";
import type { GitRepository, RepositoryChange } from "#git/types.ts";
import type { RenderedObject, RenderRequest, RenderResult, Renderer } from "#render/types.ts";
import type { KubernetesObject } from "#model/object.ts";

export const op: Operation = { signal: new AbortController().signal, log: silentLogger };

export type Files = Readonly<Record<string, KubernetesObject>>;

export interface FakeRepository extends GitRepository {
  /** Makes a commit on a branch; it is known after the next refresh. */
  commit(branch: string, files: Files): string;
  /** What a poll or webhook does. */
  arrive(): void;
  filesAt(sha: string): Files;
  changedPathsCalls: number;
}

/** A repository in memory. */
export function fakeRepository(url = "https://git.example.com/fleet.git"): FakeRepository {
  const commits = new Map<string, Files>();
  const pushed = new Map<string, string>();
  let known = new Map<string, string>();
  const listeners = new Set<(change: RepositoryChange) => void>();
  const repository = {
    url,
    changedPathsCalls: 0,
    commit(branch: string, files: Files) {
      const sha = String(commits.size + 1).padStart(40, "0");
      commits.set(sha, files);
      pushed.set(branch, sha);
      return sha;
    },
    arrive() {
      known = new Map(pushed);
      for (const listener of listeners) listener({ changed: [] });
    },
    filesAt: (sha: string) => commits.get(sha) ?? {},
    resolve(_op: Operation, revision: string) {
      if (known.size === 0) known = new Map(pushed);
      const sha = known.get(revision === "" ? "main" : revision) ?? (commits.has(revision) ? revision : undefined);
      return sha === undefined ? Promise.reject(new Error(`no revision ${revision}`)) : Promise.resolve({ sha });
    },
    refresh() {
      repository.arrive();
      return Promise.resolve({ changed: [] });
    },
    changedPaths(_op: Operation, from: string, to: string) {
      repository.changedPathsCalls++;
      const [before, after] = [commits.get(from) ?? {}, commits.get(to) ?? {}];
      const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
      return Promise.resolve([...paths].filter((path) => before[path] !== after[path]));
    },
    onChange(listener: (change: RepositoryChange) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return repository as unknown as FakeRepository;
}

/** Renders every file directly in the source's directory; counts what it rendered. */
export function fakeRenderer(): Renderer & { readonly rendered: string[] } {
  const rendered: string[] = [];
  return {
    rendered,
    render(_op: Operation, request: RenderRequest): Promise<RenderResult> {
      rendered.push(request.appName);
      const directory = request.source.path ?? "";
      const files = (request.repository as FakeRepository).filesAt(request.sha);
      const objects: RenderedObject[] = [];
      for (const [file, object] of Object.entries(files)) {
        if (!file.startsWith(`${directory}/`)) continue;
        objects.push({ object, hash: JSON.stringify(object), file, line: 1 });
      }
      const reads = { directories: [{ path: directory, oid: request.sha, recursive: false }], files: [], absent: [] };
      return Promise.resolve({
        objects,
        duplicates: [],
        warnings: [],
        sourceType: "Directory",
        reads,
        hash: request.sha,
      });
    },
    statistics: {
      renders: 0,
      memoryHits: 0,
      diskHits: 0,
      sharedHits: 0,
      engineRenders: 0,
      pluginRenders: 0,
      filesParsed: 0,
    },
    pluginParameters: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}

export function configMap(name: string, data: Readonly<Record<string, string>> = {}): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}
