// Puts a sync's steps in order: prunes in reverse, PruneLast, phases, waves, kinds, names, and what others need first.
// Pure. Source: Argo CD's "Sync Phases and Waves".
import type { SyncTask } from "./task.ts";
import { compareTasks, phaseOrder } from "./task.ts";
import { stringAt } from "#base/json.ts";

type Draft = { -readonly [field in keyof SyncTask]: SyncTask[field] };

/** Takes the steps (and may write to them); returns them ordered and numbered. */
export function arrange(tasks: Draft[]): readonly SyncTask[] {
  reversePrunes(tasks);
  pruneLast(tasks);
  tasks.sort(compareTasks);
  pullForward(tasks, namespaceOf, (task) => task.key.namespace);
  pullForward(tasks, definedKind, (task) => `${task.key.group}/${task.key.kind}`);
  for (const [index, task] of tasks.entries()) task.order = index;
  return tasks;
}

// What is created first is pruned last: the waves that have prunes are swapped end to end.
function reversePrunes(tasks: readonly Draft[]): void {
  const prunes = tasks.filter((task) => task.action === "prune");
  const waves = [...new Set(prunes.map((task) => task.wave))].sort((a, b) => a - b);
  if (waves.length < 2) return;
  const mirrored = new Map(waves.map((wave, index) => [wave, waves[waves.length - 1 - index] ?? wave]));
  for (const task of prunes) task.wave = mirrored.get(task.wave) ?? task.wave;
}

// PruneLast: one wave after everything else of the Sync phase.
function pruneLast(tasks: readonly Draft[]): void {
  const late = tasks.filter((task) => task.action === "prune" && task.options.pruneLast);
  if (late.length === 0) return;
  let last = 0;
  for (const task of tasks) if (task.phase === "Sync" && task.wave > last) last = task.wave;
  for (const task of late) task.wave = last + 1;
}

// A namespace or definition that stands later than something that needs it moves just before that, into its phase and wave.
function pullForward(
  tasks: Draft[],
  provides: (task: SyncTask) => string | undefined,
  needs: (task: SyncTask) => string,
): void {
  if (!tasks.some((task) => provides(task) !== undefined)) return;
  for (let index = 0; index < tasks.length; index++) {
    const task = tasks[index];
    const provided = task === undefined ? undefined : provides(task);
    if (task === undefined || provided === undefined) continue;
    const user = tasks.findIndex(
      (other, at) =>
        at < index && other.desired !== undefined && other.phase !== "SyncFail" && needs(other) === provided,
    );
    const before = tasks[user];
    if (before === undefined || phaseOrder[before.phase] > phaseOrder[task.phase]) continue;
    task.phase = before.phase;
    task.wave = before.wave;
    tasks.splice(index, 1);
    tasks.splice(user, 0, task);
  }
}

function namespaceOf(task: SyncTask): string | undefined {
  const isOne = task.desired !== undefined && task.key.kind === "Namespace" && task.key.group === "";
  return isOne ? task.key.name : undefined;
}

function definedKind(task: SyncTask): string | undefined {
  if (task.desired === undefined || task.key.kind !== "CustomResourceDefinition") return undefined;
  const group = stringAt(task.desired, "spec", "group");
  const kind = stringAt(task.desired, "spec", "names", "kind");
  return group === undefined || kind === undefined ? undefined : `${group}/${kind}`;
}
