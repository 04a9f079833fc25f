// A sync's plan and what is waited for, as text: phases, waves and steps in their order. Pure.
import type { PlanStep, SyncPlanAnswer, WaitingAnswer, WaitingFor } from "#protocol/rest.ts";
import { oneLine, table } from "./table.ts";

/** `Job migrate: 1 pod running for 40 s`. */
export function waitingText({ kind, namespace, name, reason }: WaitingFor): string {
  const where = kind === "Application" && namespace ? `${namespace}/${name}` : name;
  return oneLine(`${kind} ${where}: ${reason}`);
}

export function waitingTable(waiting: readonly WaitingFor[]): string {
  const rows = waiting.map((item) => [item.for, item.kind, item.namespace ?? "", item.name, oneLine(item.reason)]);
  return table([["WAITS FOR", "KIND", "NAMESPACE", "NAME", "REASON"], ...rows]);
}

/** What an application depends on, and what is wrong with it. */
export function dependenciesTable(dependsOn: NonNullable<WaitingAnswer["dependsOn"]>): string {
  const rows = dependsOn.map(({ application, why }) => [application, why === undefined ? "Yes" : "No", why ?? ""]);
  return table([["DEPENDS ON", "READY", "REASON"], ...rows]);
}

/** The plan as a table, one line a step; `wide` adds delete policies and the fields that differ. */
export function planTable(plan: SyncPlanAnswer, wide: boolean): string {
  const header = ["PHASE", "WAVE", "ACTION", "GROUP", "KIND", "NAMESPACE", "NAME", "RESULT"];
  const rows = plan.phases.flatMap(({ phase, waves }) =>
    waves.flatMap(({ wave, steps }) =>
      steps.map((step) => [
        phase,
        String(wave),
        step.action,
        step.group ?? "",
        step.kind,
        step.namespace ?? "",
        step.name,
        resultText(step),
        ...(wide ? [(step.deletePolicies ?? []).join(","), (step.fields ?? []).join(" ")] : []),
      ]),
    ),
  );
  return table([wide ? [...header, "DELETE POLICY", "FIELDS"] : header, ...rows]);
}

function resultText({ result, note }: PlanStep): string {
  const text = result
    ? [result.phase ?? result.status ?? "", result.message ?? ""].filter((part) => part).join(": ")
    : note;
  return oneLine(text ?? "");
}

/** `2 to create, 1 to configure, 3 unchanged`; empty where there is no step. */
export function planSummary(plan: SyncPlanAnswer): string {
  const counts = new Map<string, number>();
  for (const { waves } of plan.phases)
    for (const { steps } of waves) for (const { action } of steps) counts.set(action, (counts.get(action) ?? 0) + 1);
  return words.flatMap(([action, text]) => (counts.has(action) ? [`${counts.get(action)} ${text}`] : [])).join(", ");
}

const words: readonly (readonly [action: string, text: string])[] = [
  ["hook", "to run as hook"],
  ["create", "to create"],
  ["configure", "to configure"],
  ["replace", "to replace"],
  ["prune", "to prune"],
  ["keep", "to keep that are no longer wanted"],
  ["skip", "left alone"],
  ["unchanged", "unchanged"],
];
