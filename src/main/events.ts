// The Kubernetes Events that this process writes: which reasons are wanted, and which labels they carry.
import type { Operation } from "#base/operation.ts";
import { eventLabels } from "#core/policy/event-labels.ts";
import type { KubeClient } from "#kube/types.ts";
import type { Application, AppProject } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Settings } from "#model/settings.ts";
import { EventRecorder, type EventRecorderOptions } from "#runtime/events.ts";
import { systemClock } from "#runtime/system.ts";

export interface EventsDeps {
  readonly client: KubeClient;
  /** Reasons that are wanted, separated by commas, as `--enable-k8s-event` takes them; `all` and `none` too. */
  readonly wanted: string | undefined;
  settings(): Pick<Settings, "eventLabels">;
  project(name: string): AppProject | undefined;
}

/** Returns what makes a recorder for a component. */
export function eventRecorders(
  op: Operation,
  deps: EventsDeps,
): (component: string, more?: Pick<EventRecorderOptions, "busy">) => EventRecorder {
  const { client, wanted } = deps;
  const reasons = (wanted ?? "").split(",").flatMap((reason) => reason.trim() || []);
  const all = reasons.length === 0 || reasons.includes("all");
  const none = !all && reasons.includes("none");
  const labels = (about: KubernetesObject): Readonly<Record<string, string>> => {
    const of =
      about.kind === "Application" ? deps.project((about as Application).spec?.project || "default") : undefined;
    return eventLabels({ object: about.metadata.labels, project: of?.metadata.labels }, deps.settings().eventLabels);
  };
  return (component, more = {}) =>
    new EventRecorder({
      client,
      clock: systemClock,
      component,
      op,
      labels,
      enabled: (reason) => all || (!none && reasons.includes(reason)),
      ...more,
    });
}
