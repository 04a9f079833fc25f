// What an application's operation waits for now, with the reasons, from its live objects and what they own. Reads the
// controller's memory and the live cache; changes nothing, and is computed only when somebody asks.
import { whyNotGone, whyNotReady, durationText, type PodView } from "#core/waits/waits.ts";
import { podTrouble } from "#core/waits/pods.ts";
import { stringAt } from "#base/json.ts";
import type { LiveCache, LiveEntry } from "#kube/live.ts";
import { annotation } from "#model/names.ts";
import { keyText } from "#model/object.ts";
import type { WaitingFor, WaitReason } from "#protocol/rest.ts";
import type { AppState, RunningOperation } from "../state.ts";

/** Owners of owners of pods: a Deployment's pods are two levels down. */
const podDepth = 3;

/** What the running operation waits for, in the plan's order; empty where none runs or nothing is waited for. */
export function operationWaits(state: AppState, nowMs: number): readonly WaitingFor[] {
  const { running } = state;
  if (!running) return [];
  const self = selfOf(state);
  if (running.retryAtMs !== undefined) {
    const message = state.operationState?.message ?? "";
    const reason = `the next attempt starts in ${durationText(running.retryAtMs - nowMs)}${message ? `: ${message}` : ""}`;
    return [{ ...self, for: "retry", reason }];
  }
  const waits = running.waits.map((wait) => waitOf(state, running, { wait, nowMs }));
  if (waits.length > 0 || running.pauseUntilMs === undefined || running.pauseUntilMs <= nowMs) return waits;
  const reason = `the delay between waves, ${durationText(running.pauseUntilMs - nowMs)} more`;
  return [{ ...self, for: "delay", reason }];
}

function waitOf(
  state: AppState,
  running: RunningOperation,
  { wait, nowMs }: { readonly wait: RunningOperation["waits"][number]; readonly nowMs: number },
): WaitingFor {
  const cache = state.cluster?.cache;
  const entry = cache?.get(wait.key);
  const object = entry?.object;
  const health = (object && (state.table.row(keyText(wait.key))?.health ?? state.health.of(object))) || undefined;
  const pods = cache && entry ? podsBelow(cache, entry) : [];
  const subject = { object, pods, now: nowMs, ...(health ? { health } : {}) };
  const { group, kind, namespace, name } = wait.key;
  return {
    ...(group === "" ? {} : { group }),
    kind,
    ...(namespace === "" ? {} : { namespace }),
    name,
    for: wait.for,
    reason: reasonOf(wait.for, subject),
    ...(entry?.createdAt === undefined ? {} : { since: entry.createdAt }),
  };
}

function reasonOf(why: WaitReason, subject: Parameters<typeof whyNotReady>[0]): string {
  switch (why) {
    case "deletion":
      return whyNotGone(subject);
    case "confirmation":
      return `somebody has to confirm that it is pruned: annotate the Application with ${annotation.deletionApproved}, the time as its value`;
    default:
      return whyNotReady(subject);
  }
}

/** The pods that an object owns, over what stands between. */
function podsBelow(cache: LiveCache, owner: LiveEntry): readonly PodView[] {
  const pods: PodView[] = [];
  const visit = (entry: LiveEntry, depth: number): void => {
    if (entry.key.kind === "Pod" && entry.key.group === "") pods.push(podView(entry));
    if (depth < podDepth) for (const child of cache.children(entry.uid)) visit(child, depth + 1);
  };
  visit(owner, 0);
  return pods.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function podView(entry: LiveEntry): PodView {
  const fact = (name: string): string | undefined => entry.info?.find((item) => item.name === name)?.value;
  const whole = entry.object;
  const reason = fact("Status Reason") ?? stringAt(whole, "status", "phase") ?? "Pending";
  const trouble = whole ? podTrouble(whole) : fact("trouble");
  return {
    name: entry.key.name,
    reason,
    ended: endedReasons.has(reason),
    ...(trouble === undefined ? {} : { trouble }),
    ...(entry.createdAt === undefined ? {} : { createdAt: entry.createdAt }),
  };
}

/** What a pod shows once it has ended. */
const endedReasons: ReadonlySet<string> = new Set([
  "Completed",
  "Succeeded",
  "Failed",
  "Error",
  "OOMKilled",
  "Evicted",
  "DeadlineExceeded",
]);

/** The application itself, as what a wait is about. */
export function selfOf(state: AppState): Pick<WaitingFor, "group" | "kind" | "namespace" | "name"> {
  const { namespace = "", name = "" } = state.app.metadata;
  return { group: "argoproj.io", kind: "Application", namespace, name };
}
