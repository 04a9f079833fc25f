// Actions of Deployment, StatefulSet, DaemonSet, Job and CronJob.
import { at, isObject, numberAt } from "#base/json.ts";
import { rfc3339 } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { BuiltinAction, KindActions } from "../action.ts";
import { conditionIs } from "../read.ts";
import {
  countParam,
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

/** As `kubectl rollout restart`: the pod template says when, so that its pods are made anew. */
const restart: BuiltinAction = {
  name: "restart",
  ...restartLook,
  run: (_object, { nowMs }) => ({
    patch: nested(["spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"], rfc3339(nowMs)),
  }),
};

const scale: BuiltinAction = {
  name: "scale",
  displayName: "Scale",
  iconClass: "fa fa-fw fa-expand-alt",
  params: (object) => [{ name: "replicas", default: String(numberAt(object, "spec", "replicas") ?? 1) }],
  run(_object, { params }) {
    const replicas = countParam(params, "replicas");
    return typeof replicas === "number" ? { patch: nested(["spec", "replicas"], replicas) } : replicas;
  },
};

const hasEnded = (job: KubernetesObject): boolean =>
  conditionIs(job, "Complete", "True") || conditionIs(job, "Failed", "True");

/** As `kubectl create job --from`. */
function jobOf(cronJob: KubernetesObject, nowMs: number): KubernetesObject {
  const template = at(cronJob, "spec", "jobTemplate");
  const labels = at(template, "metadata", "labels");
  const annotations = at(template, "metadata", "annotations");
  const { name = "", namespace } = cronJob.metadata;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: stampedName(name, nowMs),
      ...(namespace === undefined ? {} : { namespace }),
      ...(isObject(labels) ? { labels: labels as Record<string, string> } : {}),
      annotations: {
        ...(isObject(annotations) ? (annotations as Record<string, string>) : {}),
        "cronjob.kubernetes.io/instantiate": "manual",
      },
      ownerReferences: [ownedBy(cronJob)],
    },
    spec: at(template, "spec") ?? {},
  };
}

export const workloads: KindActions = {
  "apps/Deployment": [
    restart,
    scale,
    setting("pause", pauseLook, ["spec", "paused"], true, false),
    setting("resume", resumeLook, ["spec", "paused"], false, false),
  ],
  "apps/StatefulSet": [restart, scale],
  "apps/DaemonSet": [restart],
  "batch/Job": [
    {
      name: "terminate",
      displayName: "Terminate",
      iconClass: "fa fa-fw fa-stop-circle",
      disabled: hasEnded,
      // The job's controller ends it as one that took too long.
      run: () => ({ patch: nested(["spec", "activeDeadlineSeconds"], 1) }),
    },
    ...suspendable.map((action) => ({
      ...action,
      disabled: (job: KubernetesObject) => hasEnded(job) || action.disabled?.(job) === true,
    })),
  ],
  "batch/CronJob": [
    {
      name: "create-job",
      ...createLook("Job"),
      run: (cronJob, { nowMs }) => ({ create: jobOf(cronJob, nowMs) }),
    },
    ...suspendable,
  ],
};
