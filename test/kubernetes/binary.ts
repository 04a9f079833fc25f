// Where the control plane's binary stands once it is built: in the user's cache, under a hash of what it was built
// from. Only looks; build.ts builds. Works without Go.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The components that the one binary can be; each stands beside it as a link of that name. */
export const components = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubectl",
  "kwok",
] as const;

export const sourceDirectory: string = import.meta.dirname;
export const buildCommand = "npm run kube:build";

type Environment = Readonly<Record<string, string | undefined>>;

/** What a build leaves beside the binary, so that it can be found again without asking Go for its version. */
export interface BuildRecord {
  readonly sources: string;
  readonly go: string;
}

/** The folder of the user's cache that holds every build, one folder each. */
export function cacheDirectory(env: Environment): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "driftless", "kubernetes");
}

/** A hash of the files that decide what is built. */
export function sourcesHash(): string {
  return hashOf(readFileSync(join(sourceDirectory, "go.sum")), readFileSync(join(sourceDirectory, "main.go")));
}

/** The folder of a build with that version of Go, as `go env GOVERSION` writes it. */
export function buildDirectory(env: Environment, goVersion: string): string {
  return join(cacheDirectory(env), hashOf(Buffer.from(sourcesHash()), Buffer.from(goVersion)));
}

/** The path of a binary built from the present sources, by whichever Go; undefined when there is none yet. */
export function findBinary(env: Environment): string | undefined {
  const cache = cacheDirectory(env);
  if (!existsSync(cache)) return undefined;
  const wanted = sourcesHash();
  for (const name of readdirSync(cache)) {
    const record = readRecord(join(cache, name, "build.json"));
    const binary = join(cache, name, "kubernetes");
    if (record?.sources === wanted && existsSync(binary)) return binary;
  }
  return undefined;
}

/** The kubectl of that build. */
export function kubectlOf(binary: string): string {
  return join(binary, "..", "kubectl");
}

function readRecord(file: string): BuildRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as BuildRecord;
  } catch {
    return undefined;
  }
}

function hashOf(...parts: readonly Buffer[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
