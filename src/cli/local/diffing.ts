// What differs between live and desired, object by object, and how it is printed: as a unified diff of YAML, or by the
// program that KUBECTL_EXTERNAL_DIFF names.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { ManagedResource } from "#protocol/rest.ts";
import type { Context, Paint } from "../context.ts";
import { yamlText } from "../view/print.ts";

export interface Difference {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly live: unknown;
  readonly target: unknown;
}

/** The objects that a sync would create, change or delete; hooks are none of them. */
export function differences(resources: readonly ManagedResource[]): Difference[] {
  return resources.flatMap((item) => {
    if (item.hook) return [];
    const live = stateOf(item.normalizedLiveState ?? item.liveState);
    const desired = stateOf(item.targetState);
    if (live === null && desired === null) return [];
    // What is compared is the live object and what it would be after the sync: defaults are no difference.
    const target = live === null || desired === null ? desired : (stateOf(item.predictedLiveState) ?? desired);
    const changed = live === null || desired === null || (item.modified ?? !sameJson(live, target));
    if (!changed) return [];
    const { group = "", kind, namespace = "", name } = item;
    return [{ group, kind, namespace, name, live, target }];
  });
}

function stateOf(text: string | undefined): unknown {
  return text === undefined || text === "" ? null : (JSON.parse(text) as unknown);
}

export async function printDifferences(context: Context, found: readonly Difference[]): Promise<void> {
  const external = context.env["KUBECTL_EXTERNAL_DIFF"] ?? "";
  for (const item of found) {
    const title = `===== ${item.group}/${item.kind} ${item.namespace}/${item.name} ======`;
    context.out.write(`\n${context.paint.bold(title)}\n`);
    const live = item.live === null ? "" : await yamlText(item.live);
    const target = item.target === null ? "" : await yamlText(item.target);
    if (external === "") context.out.write(await unified(item.name, { live, target, paint: context.paint }));
    else await externally(context, external, { name: item.name, live, target });
  }
}

/** A unified diff from live to target, three lines around each change. */
async function unified(name: string, given: { live: string; target: string; paint: Paint }): Promise<string> {
  const lines = await diffLines([`${name}-live.yaml`, name], given.live, given.target);
  return lines.map((line) => painted(line, given.paint)).join("\n");
}

/** The lines of a unified diff between two texts, with their names, three lines around each change. */
export async function diffLines(names: readonly [string, string], before: string, after: string): Promise<string[]> {
  const { createTwoFilesPatch } = await import("diff");
  const patch = createTwoFilesPatch(...names, before, after, undefined, undefined, { context: 3 });
  return patch.split("\n").filter((line) => !line.startsWith("=======") && !line.startsWith("\\ No newline"));
}

/** One line of a diff in the colours of its kind. */
export function painted(line: string, paint: Paint): string {
  if (line.startsWith("+++") || line.startsWith("---")) return paint.dim(line);
  if (line.startsWith("@@")) return paint.cyan(line);
  if (line.startsWith("+")) return paint.green(line);
  return line.startsWith("-") ? paint.red(line) : line;
}

async function externally(
  context: Context,
  external: string,
  files: { name: string; live: string; target: string },
): Promise<void> {
  const [program = "diff", ...args] = external.split(/\s+/).filter((word) => word !== "");
  const dir = mkdtempSync(join(tmpdir(), "driftless-diff-"));
  try {
    const base = files.name.replace(/[^\w.-]/g, "_");
    const live = join(dir, `${base}-live.yaml`);
    const target = join(dir, base);
    writeFileSync(live, files.live, { mode: 0o600 });
    writeFileSync(target, files.target, { mode: 0o600 });
    // Exit code 1 of a differ says that there are differences.
    const code = await context.runProgram(program, [...args, live, target]).catch((thrown: unknown) => {
      const reason = (thrown as NodeJS.ErrnoException).code ?? "unknown reason";
      throw new DriftlessError(
        "CONFIG_INVALID",
        `KUBECTL_EXTERNAL_DIFF names ${program}, which cannot be run (${reason})`,
      );
    });
    if (code > 1) throw new DriftlessError("CONFIG_INVALID", `${program} of KUBECTL_EXTERNAL_DIFF ended with ${code}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
