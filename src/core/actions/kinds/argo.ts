// Actions of the Argo projects' resources: Rollout, AnalysisRun, CronWorkflow, WorkflowTemplate, and Numaproj's.
import { at, isObject, listAt, numberAt, stringAt, type JsonObject } from "#base/json.ts";
import { rfc3339 } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { BuiltinAction, KindActions } from "../action.ts";
import {
  createLook,
  nested,
  ownedBy,
  pauseLook,
  restartLook,
  resumeLook,
  setting,
  stampedName,
  suspendable,
} from "../words.ts";

const icon = (name: string): string => `fa fa-fw fa-${name}`;

const isPromoted = (rollout: KubernetesObject): boolean =>
  stringAt(rollout, "status", "currentPodHash") === stringAt(rollout, "status", "stableRS");
const isAborted = (rollout: KubernetesObject): boolean => at(rollout, "status", "abort") === true;
const pauses = (rollout: KubernetesObject): boolean => listAt(rollout, "status", "pauseConditions").length > 0;

const rollout: readonly BuiltinAction[] = [
  {
    name: "restart",
    ...restartLook,
    run: (_object, { nowMs }) => ({ patch: nested(["spec", "restartAt"], rfc3339(nowMs)) }),
  },
  setting("pause", pauseLook, ["spec", "paused"], true, false),
  {
    name: "resume",
    ...resumeLook,
    disabled: (object) => at(object, "spec", "paused") !== true && !pauses(object),
    run: (object) => ({
      patch: {
        ...(at(object, "spec", "paused") === true ? { spec: { paused: false } } : {}),
        ...(pauses(object) ? { status: { pauseConditions: null } } : {}),
      },
    }),
  },
  {
    name: "promote-full",
    displayName: "Promote Full",
    iconClass: icon("forward"),
    disabled: (object) => isPromoted(object) || at(object, "status", "promoteFull") === true,
    run: () => ({ patch: { status: { promoteFull: true } } }),
  },
  {
    name: "abort",
    displayName: "Abort",
    iconClass: icon("stop-circle"),
    disabled: (object) => isPromoted(object) || isAborted(object),
    run: () => ({ patch: { status: { abort: true } } }),
  },
  {
    name: "retry",
    displayName: "Retry",
    iconClass: icon("redo-alt"),
    disabled: (object) => !isAborted(object),
    run: (object) => ({ patch: { status: { abort: false, ...analysesForgotten(object) } } }),
  },
  {
    name: "skip-current-step",
    displayName: "Skip Current Step",
    iconClass: icon("step-forward"),
    disabled: (object) => nextStep(object) === undefined,
    run(object) {
      const step = nextStep(object);
      if (step === undefined) return { refused: "the rollout has no step left to skip" };
      return { patch: { status: { ...(pauses(object) ? { pauseConditions: null } : {}), currentStepIndex: step } } };
    },
  },
];

function nextStep(object: KubernetesObject): number | undefined {
  const steps = listAt(object, "spec", "strategy", "canary", "steps").length;
  const current = numberAt(object, "status", "currentStepIndex") ?? 0;
  return object["status"] !== undefined && current < steps ? current + 1 : undefined;
}

/** What failed analyses left behind would end the next try at once. */
function analysesForgotten(object: KubernetesObject): JsonObject {
  const gone: Record<string, JsonObject> = {};
  for (const [field, names] of [
    ["blueGreen", ["prePromotionAnalysisRunStatus", "postPromotionAnalysisRunStatus"]],
    ["canary", ["currentStepAnalysisRunStatus", "currentBackgroundAnalysisRunStatus"]],
  ] as const) {
    const there = names.filter((name) => at(object, "status", field, name) !== undefined);
    if (there.length > 0) gone[field] = Object.fromEntries(there.map((name) => [name, null]));
  }
  return gone;
}

const analysisEnded = (run: KubernetesObject): boolean =>
  ["Successful", "Failed", "Error", "Inconclusive"].includes(stringAt(run, "status", "phase") ?? "");

const texts = (value: unknown): Record<string, string> =>
  isObject(value) ? { ...(value as Record<string, string>) } : {};

/** As `argo submit --from cronworkflow/…`. */
function workflowOfCron(cron: KubernetesObject, nowMs: number): KubernetesObject {
  const { name = "", namespace, labels } = cron.metadata;
  const instance = labels?.["workflows.argoproj.io/controller-instanceid"];
  const meta = at(cron, "spec", "workflowMetadata");
  const finalizers = listAt(meta, "finalizers") as readonly string[];
  return {
    apiVersion: cron.apiVersion,
    kind: "Workflow",
    metadata: {
      name: stampedName(name, nowMs),
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...texts(at(meta, "labels")),
        "workflows.argoproj.io/cron-workflow": name,
        ...(instance === undefined ? {} : { "workflows.argoproj.io/controller-instanceid": instance }),
      },
      annotations: { ...texts(at(meta, "annotations")), "workflows.argoproj.io/scheduled-time": rfc3339(nowMs) },
      ...(finalizers.length > 0 ? { finalizers } : {}),
      ownerReferences: [ownedBy(cron)],
    },
    spec: at(cron, "spec", "workflowSpec") ?? {},
  };
}

function workflowOfTemplate(template: KubernetesObject, nowMs: number): KubernetesObject {
  const { name = "", namespace } = template.metadata;
  const cluster = template.kind === "ClusterWorkflowTemplate";
  const meta = at(template, "spec", "workflowMetadata");
  return {
    apiVersion: template.apiVersion,
    kind: "Workflow",
    metadata: {
      name: stampedName(name, nowMs),
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...texts(at(meta, "labels")),
        [`workflows.argoproj.io/${cluster ? "cluster-workflow-template" : "workflow-template"}`]: name,
      },
      ...(isObject(at(meta, "annotations")) ? { annotations: texts(at(meta, "annotations")) } : {}),
      ownerReferences: [ownedBy(template)],
    },
    spec: { workflowTemplateRef: { name, ...(cluster ? { clusterScope: true } : {}) } },
  };
}

const lifecycle = (...path: readonly string[]): readonly BuiltinAction[] => [
  setting("pause", pauseLook, [...path, "lifecycle", "desiredPhase"], "Paused"),
  setting(
    "unpause",
    { displayName: "Unpause", iconClass: icon("play-circle") },
    [...path, "lifecycle", "desiredPhase"],
    "Running",
    "Running",
  ),
];
const forcePromote: readonly BuiltinAction[] = [
  setting(
    "enable-force-promote",
    { displayName: "Enable Force Promote", iconClass: icon("plus-circle") },
    ["spec", "strategy", "progressive", "forcePromote"],
    true,
    false,
  ),
  setting(
    "disable-force-promote",
    { displayName: "Disable Force Promote", iconClass: icon("minus-circle") },
    ["spec", "strategy", "progressive", "forcePromote"],
    false,
    false,
  ),
];
const dataLoss = ["metadata", "annotations", "numaplane.numaproj.io/allow-data-loss"];

export const argo: KindActions = {
  "argoproj.io/Rollout": rollout,
  "argoproj.io/AnalysisRun": [
    {
      name: "terminate",
      displayName: "Terminate",
      iconClass: icon("stop-circle"),
      disabled: analysisEnded,
      run: () => ({ patch: { spec: { terminate: true } } }),
    },
  ],
  "argoproj.io/CronWorkflow": [
    {
      name: "create-workflow",
      ...createLook("Workflow"),
      run: (cron, { nowMs }) => ({ create: workflowOfCron(cron, nowMs) }),
    },
    ...suspendable,
  ],
  "argoproj.io/WorkflowTemplate": [
    {
      name: "create-workflow",
      ...createLook("Workflow"),
      run: (template, { nowMs }) => ({ create: workflowOfTemplate(template, nowMs) }),
    },
  ],
  "numaflow.numaproj.io/Pipeline": lifecycle("spec"),
  "numaflow.numaproj.io/MonoVertex": lifecycle("spec"),
  "numaplane.numaproj.io/PipelineRollout": [
    ...lifecycle("spec", "pipeline", "spec"),
    ...forcePromote,
    setting(
      "allow-data-loss",
      { displayName: "Allow (Possible) Data Loss", iconClass: icon("unlock") },
      dataLoss,
      "true",
      "false",
    ),
    setting(
      "disallow-data-loss",
      { displayName: "Disallow Data Loss", iconClass: icon("lock") },
      dataLoss,
      "false",
      "false",
    ),
  ],
  "numaplane.numaproj.io/MonoVertexRollout": [...lifecycle("spec", "monoVertex", "spec"), ...forcePromote],
  "numaplane.numaproj.io/ISBServiceRollout": forcePromote,
};
