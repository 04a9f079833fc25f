// What is wrong or odd with an application, as its conditions say it: why it cannot be compared or synced, what of its
// objects two applications want, what its syncs failed for. Reads what passes found; changes nothing.
import type { DriftlessError } from "#base/errors.ts";
import type { ApplicationCondition, AppProject } from "#model/application.ts";
import { displayKey } from "#model/object.ts";
import type { Dependencies } from "../operation/dependencies.ts";
import type { Fights } from "../comparison/fights.ts";
import type { Orphans } from "../tree/orphans.ts";
import type { Sources } from "../desired/sources.ts";
import type { AppState } from "../state.ts";

export interface ConditionsOptions {
  readonly sources: Pick<Sources, "problem">;
  readonly dependencies: Pick<Dependencies, "conditions">;
  readonly fights: Pick<Fights, "conditions">;
  readonly orphans: Pick<Orphans, "conditions">;
  /** Why the last sync failed, where a person should know. */
  operations(state: AppState): readonly ApplicationCondition[];
}

/** Takes an application's state and the pass that ends, if one does; returns its conditions. */
export function conditionsOf(
  options: ConditionsOptions,
  state: AppState,
  pass: { readonly project: AppProject | undefined; readonly failure: DriftlessError | undefined } | undefined,
): readonly ApplicationCondition[] {
  const found: ApplicationCondition[] = [];
  const failure = pass ? pass.failure : state.failure;
  if (failure) found.push({ type: failure.entry.condition ?? "UnknownError", message: failure.message });
  const problem = failure ? undefined : options.sources.problem(state.key);
  if (problem)
    found.push({ type: "ComparisonError", message: `compared with the last known commit: ${problem.message}` });
  const desired = state.desired;
  if (desired) {
    found.push(...desired.conditions);
    for (const object of desired.unknownKinds.slice(0, 1)) {
      found.push({
        type: "ComparisonError",
        message: `${object.file}:${object.line}: the cluster does not know the kind of ${displayKey(object.key)} (${object.object.apiVersion})${desired.unknownKinds.length > 1 ? `, nor ${desired.unknownKinds.length - 1} more` : ""}: install its CustomResourceDefinition first`,
      });
    }
    for (const { object, reason } of desired.forbidden.slice(0, 1)) {
      found.push({
        type: "InvalidSpecError",
        message: `${object.file}:${object.line}: ${displayKey(object.key)}: ${reason}`,
      });
    }
    const broken = state.table.rows().find((row) => row.error !== undefined);
    if (broken) found.push({ type: "ComparisonError", message: `${displayKey(broken.key)}: ${broken.error}` });
    found.push(...healthProblems(state));
    found.push(...sharedWarnings(state));
  }
  found.push(...options.dependencies.conditions(state), ...options.fights.conditions(state));
  if (desired && pass) found.push(...options.orphans.conditions(state, pass.project));
  else found.push(...(state.app.status?.conditions ?? []).filter(({ type }) => type === "OrphanedResourceWarning"));
  // A sync that failed for a reason that stands here already is not told of twice.
  if (!found.some(({ type }) => type.endsWith("Error"))) found.push(...options.operations(state));
  return found;
}

/** The first health script that failed: the objects themselves say it too. */
function healthProblems(state: AppState): ApplicationCondition[] {
  let problem: string | undefined;
  let others = -1;
  for (const { key, live } of state.table.rows()) {
    if (!live?.object || !state.health.isCustom(key)) continue;
    const said = state.health.problem(live.object);
    if (said === undefined) continue;
    problem ??= said;
    others++;
  }
  if (problem === undefined) return [];
  const more = others === 0 ? "" : ` (and ${others} more)`;
  return [{ type: "ComparisonError", message: `error setting app health: ${problem}${more}` }];
}

function sharedWarnings(state: AppState): ApplicationCondition[] {
  const shared = state.table
    .rows()
    .find((row) => row.desired && row.live?.tag !== undefined && row.live.tag !== state.tag);
  if (!shared) return [];
  return [
    {
      type: "SharedResourceWarning",
      message: `${displayKey(shared.key)} is part of applications ${state.tag} and ${shared.live!.tag}`,
    },
  ];
}
