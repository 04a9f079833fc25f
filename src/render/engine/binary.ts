// Where the engine's program stands once it is built: in the user's cache, under a hash of its sources. Only looks;
// tools/engine-build.ts builds. Works without Go.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export const engineBuildCommand = "npm run engine:build";
/** The Go module of the engine. */
export const engineSources: string = join(import.meta.dirname, "..", "..", "..", "engine");

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of the user's cache that holds every build, one folder each. */
export function engineCache(env: Environment): string {
  return join(env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache"), "driftless", "engine");
}

/** A hash of what the program is built from; it is the version that the program says it has. */
export function engineVersion(sources: string = engineSources): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(sources).sort()) {
    if (!/\.go$|^go\.(?:mod|sum)$/.test(name) || name.endsWith("_test.go")) continue;
    hash.update(`${name}\0`).update(readFileSync(join(sources, name)));
  }
  return hash.digest("hex").slice(0, 32);
}

export interface EngineLocation {
  readonly version: string;
  /** The program; undefined until it is built. */
  readonly program: string | undefined;
  /** What a build that is under way says of itself. */
  readonly building: string | undefined;
}

/** Looks for the program of the present sources; DRIFTLESS_ENGINE names another place for it. */
export function findEngine(env: Environment): EngineLocation {
  const named = env["DRIFTLESS_ENGINE"];
  const version = existsSync(engineSources) ? engineVersion() : "unknown";
  if (named) return { version, program: existsSync(named) ? named : undefined, building: undefined };
  const program = join(engineCache(env), version, "driftless-engine");
  if (existsSync(program)) return { version, program, building: undefined };
  return { version, program: undefined, building: underWay(env, version) };
}

/** The file in which a build says how far it is. */
export function buildNote(env: Environment, version: string): string {
  return join(engineCache(env), `${version}.building.json`);
}

function underWay(env: Environment, version: string): string | undefined {
  try {
    const note = JSON.parse(readFileSync(buildNote(env, version), "utf8")) as { pid: number; progress: string };
    process.kill(note.pid, 0);
    return note.progress;
  } catch {
    return undefined;
  }
}
