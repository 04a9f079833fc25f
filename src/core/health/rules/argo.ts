// The Argo projects' resources besides those of kinds/argo.ts.
import type { HealthRule } from "../rule.ts";
import { condition, degraded, field, healthy, is, phases, progressing, suspended } from "./words.ts";

export const argoProjects: readonly HealthRule[] = [
  {
    kinds: ["argoproj.io/ApplicationSet"],
    source: "https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/applicationset-specification/",
    when: [
      degraded(condition("ErrorOccurred", "True")),
      progressing(condition("RolloutProgressing", "True")),
      healthy(condition("ResourcesUpToDate", "True")),
      degraded(condition("ResourcesUpToDate", "False")),
      healthy(condition("ParametersGenerated", "True")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the ApplicationSet to be reconciled" },
  },
  {
    kinds: ["argoproj.io/CronWorkflow"],
    source: "https://argo-workflows.readthedocs.io/en/latest/cron-workflows/",
    when: [
      suspended(is("spec.suspend", true), "CronWorkflow is suspended"),
      degraded(condition("SpecError", "True")),
      degraded(condition("SubmissionError", "True")),
      suspended(field("status.phase", "Stopped"), "CronWorkflow has stopped for good"),
    ],
    otherwise: { health: "Healthy" },
  },
  {
    kinds: ["argoproj.io/EventBus", "argoproj.io/EventSource", "argoproj.io/Sensor"],
    source: "https://argoproj.github.io/argo-events/service-accounts/",
    when: [
      degraded(condition("Deployed", "False", "ValidationFailed", "DeployFailed", "CreateFailed")),
      degraded({ condition: "Configured", status: "False" }),
      degraded({ condition: "SourcesProvided", status: "False" }),
      degraded({ condition: "DependenciesProvided", status: "False" }),
      degraded({ condition: "TriggersProvided", status: "False" }),
      progressing(condition("Deployed", "False")),
      healthy(condition("Deployed", "True")),
    ],
    otherwise: { health: "Progressing", message: "Waiting to be deployed" },
  },
  phases("status.phase", ["argoproj.io/ArgoCD"], "https://argocd-operator.readthedocs.io/en/latest/reference/argocd/", {
    healthy: ["Available"],
    degraded: ["Failed"],
  }),
  phases(
    "status.phase",
    ["numaflow.numaproj.io/Pipeline", "numaflow.numaproj.io/MonoVertex", "numaflow.numaproj.io/InterStepBufferService"],
    "https://numaflow.numaproj.io/core-concepts/pipeline/",
    { healthy: ["Running", "Succeeded"], degraded: ["Failed"], suspended: ["Paused"], messageFrom: "status.message" },
  ),
];
