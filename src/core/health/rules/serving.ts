// Serving and eventing: Knative, KEDA, KServe, Kubeflow, Ray, Spark, batch queues.
import type { HealthRule } from "../rule.ts";
import { condition, degraded, field, healthy, is, phases, progressing, ready, suspended } from "./words.ts";

const knative = "https://knative.dev/docs";
const keda = "https://keda.sh/docs/latest/reference";

export const serving: readonly HealthRule[] = [
  ready(
    "Ready",
    [
      "serving.knative.dev/Service",
      "serving.knative.dev/Route",
      "serving.knative.dev/Configuration",
      "serving.knative.dev/Revision",
      "serving.knative.dev/DomainMapping",
      "eventing.knative.dev/Broker",
      "eventing.knative.dev/Trigger",
      "eventing.knative.dev/JobSink",
      "messaging.knative.dev/Channel",
      "messaging.knative.dev/InMemoryChannel",
      "messaging.knative.dev/KafkaChannel",
      "messaging.knative.dev/Subscription",
      "flows.knative.dev/Sequence",
      "flows.knative.dev/Parallel",
      "sources.knative.dev/*",
      "operator.knative.dev/KnativeServing",
      "operator.knative.dev/KnativeEventing",
    ],
    `${knative}/serving/troubleshooting/debugging-application-issues/`,
    { waiting: "Waiting to be ready" },
  ),
  ready(
    "Ready",
    ["serving.kserve.io/InferenceService", "serving.kserve.io/InferenceGraph"],
    "https://kserve.github.io/website/latest/",
    {
      // Falls to False while a model is pulled and loaded, and comes back by itself.
      falseIs: "Progressing",
      before: [
        degraded(field("status.modelStatus.transitionStatus", "BlockedByFailedLoad", "InvalidSpec"), {
          messageFrom: "status.modelStatus.lastFailureInfo.message",
        }),
      ],
    },
  ),
  {
    kinds: ["keda.sh/ScaledObject", "keda.sh/ScaledJob"],
    source: `${keda}/scaledobject-spec/`,
    when: [
      suspended(condition("Paused", "True")),
      degraded(condition("Ready", "False")),
      degraded(condition("Fallback", "True")),
      healthy(condition("Ready", "True")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the scaler" },
  },
  {
    kinds: [
      "kubeflow.org/PyTorchJob",
      "kubeflow.org/TFJob",
      "kubeflow.org/MPIJob",
      "kubeflow.org/XGBoostJob",
      "kubeflow.org/PaddleJob",
      "kubeflow.org/JAXJob",
    ],
    source: "https://www.kubeflow.org/docs/components/trainer/legacy-v1/",
    when: [
      degraded(condition("Failed", "True")),
      healthy(condition("Succeeded", "True")),
      suspended(condition("Suspended", "True")),
    ],
    otherwise: { health: "Progressing", message: "The job has not ended" },
  },
  phases(
    "status.state",
    ["ray.io/RayCluster"],
    "https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/observability.html",
    {
      healthy: ["ready"],
      degraded: ["failed"],
      suspended: ["suspended"],
      messageFrom: "status.reason",
    },
  ),
  {
    kinds: ["ray.io/RayJob"],
    source: "https://docs.ray.io/en/latest/cluster/kubernetes/getting-started/rayjob-quick-start.html",
    when: [
      degraded(field("status.jobDeploymentStatus", "Failed"), { messageFrom: "status.message" }),
      degraded(field("status.jobStatus", "FAILED", "STOPPED"), { messageFrom: "status.message" }),
      healthy(field("status.jobDeploymentStatus", "Complete")),
      suspended(field("status.jobDeploymentStatus", "Suspended")),
    ],
    otherwise: { health: "Progressing", messageFrom: "status.jobDeploymentStatus", message: "Waiting for the job" },
  },
  {
    kinds: ["ray.io/RayService"],
    source: "https://docs.ray.io/en/latest/cluster/kubernetes/getting-started/rayservice-quick-start.html",
    when: [healthy(condition("Ready", "True")), healthy(field("status.serviceStatus", "Running"))],
    otherwise: { health: "Progressing", message: "Waiting for the applications to be served" },
  },
  phases(
    "status.applicationState.state",
    ["sparkoperator.k8s.io/SparkApplication"],
    "https://www.kubeflow.org/docs/components/spark-operator/user-guide/working-with-sparkapplication/",
    {
      healthy: ["RUNNING", "COMPLETED"],
      degraded: ["FAILED", "SUBMISSION_FAILED", "FAILING"],
      suspended: ["SUSPENDED"],
      messageFrom: "status.applicationState.errorMessage",
    },
  ),
  phases(
    "status.scheduleState",
    ["sparkoperator.k8s.io/ScheduledSparkApplication"],
    "https://www.kubeflow.org/docs/components/spark-operator/user-guide/running-sparkapplication-on-schedule/",
    {
      healthy: ["Scheduled"],
      degraded: ["FailedValidation"],
      messageFrom: "status.reason",
      before: [suspended(is("spec.suspend", true), "The schedule is suspended")],
    },
  ),
  ready(
    "Active",
    ["kueue.x-k8s.io/ClusterQueue", "kueue.x-k8s.io/LocalQueue", "kueue.x-k8s.io/AdmissionCheck"],
    "https://kueue.sigs.k8s.io/docs/concepts/cluster_queue/",
    { before: [suspended(field("spec.stopPolicy", "Hold", "HoldAndDrain"), "The queue is stopped")] },
  ),
  {
    kinds: ["kueue.x-k8s.io/Workload"],
    source: "https://kueue.sigs.k8s.io/docs/concepts/workload/",
    when: [
      degraded(condition("Finished", "True", "Failed", "OutOfSync", "AdmissionChecksRejected")),
      healthy(condition("Finished", "True")),
      suspended(is("spec.active", false), "The workload is not active"),
      healthy(condition("Admitted", "True")),
      progressing({ condition: "QuotaReserved" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for quota" },
  },
  {
    kinds: ["jobset.x-k8s.io/JobSet"],
    source: "https://jobset.sigs.k8s.io/docs/concepts/",
    when: [
      degraded(condition("Failed", "True")),
      healthy(condition("Completed", "True")),
      suspended(condition("Suspended", "True")),
    ],
    otherwise: { health: "Progressing", message: "The jobs have not ended" },
  },
  {
    kinds: ["leaderworkerset.x-k8s.io/LeaderWorkerSet"],
    source: "https://lws.sigs.k8s.io/docs/concepts/",
    when: [
      progressing(condition("UpdateInProgress", "True")),
      healthy(condition("Available", "True")),
      progressing(condition("Progressing", "True")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the groups to be available" },
  },
  phases("status.state.phase", ["batch.volcano.sh/Job"], "https://volcano.sh/en/docs/vcjob/", {
    healthy: ["Running", "Completed"],
    degraded: ["Failed", "Aborted", "Terminated"],
    messageFrom: "status.state.message",
  }),
];
