// Secrets, policies, monitoring, pipelines, operators: what runs beside applications.
import type { HealthRule } from "../rule.ts";
import { condition, degraded, field, healthy, is, phases, progressing, ready, suspended } from "./words.ts";

export const operations: readonly HealthRule[] = [
  ready(
    "Ready",
    [
      "external-secrets.io/ExternalSecret",
      "external-secrets.io/SecretStore",
      "external-secrets.io/ClusterSecretStore",
      "external-secrets.io/PushSecret",
      "external-secrets.io/ClusterPushSecret",
    ],
    "https://external-secrets.io/latest/api/externalsecret/",
    {
      waiting: "Waiting for the secrets operator",
    },
  ),
  {
    kinds: ["external-secrets.io/ClusterExternalSecret"],
    source: "https://external-secrets.io/latest/api/clusterexternalsecret/",
    when: [
      degraded(condition("NotReady", "True")),
      progressing(condition("PartiallyReady", "True")),
      healthy(condition("Ready", "True")),
      degraded(condition("Ready", "False")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the secrets operator" },
  },
  ready("Synced", ["bitnami.com/SealedSecret"], "https://github.com/bitnami-labs/sealed-secrets#readme", {
    waiting: "Waiting to be unsealed",
  }),
  {
    kinds: ["isindir.github.com/SopsSecret"],
    source: "https://github.com/isindir/sops-secrets-operator#readme",
    when: [
      suspended(is("spec.suspend", true), "Reconciliation is suspended"),
      healthy(field("status.message", "Healthy"), { message: "" }),
      degraded({ field: "status.message", contains: ["error", "failed"] }, { messageFrom: "status.message" }),
    ],
    otherwise: { health: "Progressing", messageFrom: "status.message", message: "Waiting to be decrypted" },
  },
  {
    kinds: ["secrets.hashicorp.com/*"],
    source: "https://developer.hashicorp.com/vault/docs/platform/k8s/vso/api-reference",
    when: [
      degraded(is("status.valid", false), { messageFrom: "status.error" }),
      healthy(is("status.valid", true), { message: "" }),
      degraded(condition("SecretSynced", "False")),
      degraded(condition("Healthy", "False")),
      degraded(condition("Ready", "False")),
      healthy(condition("SecretSynced", "True"), { message: "" }),
      healthy(condition("Ready", "True"), { message: "" }),
      healthy({ field: "status.secretMAC" }, { message: "" }),
      healthy({ field: "status.lastRenewalTime" }, { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for Vault" },
  },
  {
    kinds: [
      "monitoring.coreos.com/Prometheus",
      "monitoring.coreos.com/PrometheusAgent",
      "monitoring.coreos.com/Alertmanager",
      "monitoring.coreos.com/ThanosRuler",
    ],
    source: "https://prometheus-operator.dev/docs/platform/troubleshooting/",
    when: [
      suspended(is("spec.paused", true), "Reconciliation is paused"),
      degraded(condition("Reconciled", "False")),
      degraded(condition("Available", "Degraded")),
      progressing(condition("Available", "False")),
      healthy(condition("Available", "True"), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the operator" },
  },
  phases(
    "status.updateStatus",
    ["operator.victoriametrics.com/*"],
    "https://docs.victoriametrics.com/operator/resources/",
    {
      healthy: ["operational"],
      degraded: ["failed"],
      suspended: ["paused"],
      messageFrom: "status.reason",
    },
  ),
  phases("status.stage", ["grafana.integreatly.org/Grafana"], "https://grafana.github.io/grafana-operator/docs/", {
    healthy: [],
    before: [
      degraded(field("status.stageStatus", "failed"), { messageFrom: "status.lastMessage" }),
      healthy([field("status.stage", "complete"), field("status.stageStatus", "success")], { message: "" }),
    ],
  }),
  {
    kinds: [
      "grafana.integreatly.org/GrafanaDashboard",
      "grafana.integreatly.org/GrafanaDatasource",
      "grafana.integreatly.org/GrafanaFolder",
      "grafana.integreatly.org/GrafanaAlertRuleGroup",
      "grafana.integreatly.org/GrafanaContactPoint",
    ],
    source: "https://grafana.github.io/grafana-operator/docs/overview/",
    when: [
      suspended(is("spec.suspend", true), "Reconciliation is suspended"),
      degraded(condition("InvalidSpec", "True")),
      degraded(condition("NoMatchingInstance", "True")),
      degraded(
        { field: "status.conditions.*.reason", in: ["ApplyFailed"] },
        { messageFrom: "status.conditions.*.message" },
      ),
      healthy({ field: "status.conditions.*.reason", in: ["ApplySuccessful"] }, { message: "" }),
      healthy({ field: "status.hash" }, { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the operator" },
  },
  {
    kinds: ["loki.grafana.com/LokiStack", "tempo.grafana.com/TempoStack", "tempo.grafana.com/TempoMonolithic"],
    source: "https://loki-operator.dev/docs/api.md/",
    when: [
      degraded(condition("Degraded", "True")),
      degraded(condition("Failed", "True")),
      degraded(condition("ConfigurationError", "True")),
      progressing(condition("Pending", "True")),
      healthy(condition("Ready", "True")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the operator" },
  },
  phases("status.phase", ["jaegertracing.io/Jaeger"], "https://www.jaegertracing.io/docs/1.65/operator/", {
    healthy: ["Running"],
    degraded: ["Failed"],
  }),
  {
    kinds: [
      "kyverno.io/ClusterPolicy",
      "kyverno.io/Policy",
      "kyverno.io/CleanupPolicy",
      "kyverno.io/ClusterCleanupPolicy",
    ],
    source: "https://kyverno.io/docs/policy-types/cluster-policy/",
    when: [
      healthy(condition("Ready", "True"), { message: "" }),
      degraded(condition("Ready", "False")),
      healthy(is("status.ready", true), { message: "" }),
      healthy({ field: "status.lastExecutionTime" }, { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the policy to be ready" },
  },
  {
    kinds: ["policies.kyverno.io/*"],
    source: "https://kyverno.io/docs/policy-types/validating-policy/",
    conditions: "status.conditionStatus.conditions",
    when: [
      healthy(is("status.conditionStatus.ready", true), { message: "" }),
      degraded(
        { field: "status.conditionStatus.conditions.*.status", is: "False" },
        { messageFrom: "status.conditionStatus.message" },
      ),
      progressing(is("status.conditionStatus.ready", false), { messageFrom: "status.conditionStatus.message" }),
    ],
  },
  {
    kinds: ["templates.gatekeeper.sh/ConstraintTemplate"],
    source: "https://open-policy-agent.github.io/gatekeeper/website/docs/constrainttemplates/",
    when: [
      degraded({ field: "status.byPod.*.errors.*" }, { messageFrom: "status.byPod.*.errors.*.message" }),
      healthy(is("status.created", true), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the template to be created" },
  },
  {
    kinds: ["constraints.gatekeeper.sh/*"],
    source: "https://open-policy-agent.github.io/gatekeeper/website/docs/audit/",
    when: [
      degraded({ field: "status.byPod.*.errors.*" }, { messageFrom: "status.byPod.*.errors.*.message" }),
      healthy(is("status.byPod.*.enforced", true), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting to be enforced" },
  },
  {
    kinds: ["tekton.dev/PipelineRun", "tekton.dev/TaskRun", "tekton.dev/CustomRun", "tekton.dev/Run"],
    source: "https://tekton.dev/docs/pipelines/pipelineruns/#monitoring-execution-status",
    when: [
      healthy(condition("Succeeded", "True")),
      suspended(
        condition(
          "Succeeded",
          "False",
          "PipelineRunCancelled",
          "TaskRunCancelled",
          "Cancelled",
          "CancelledRunFinally",
          "StoppedRunFinally",
        ),
      ),
      degraded(condition("Succeeded", "False")),
      suspended(condition("Succeeded", "Unknown", "PipelineRunPending", "TaskRunPending")),
      progressing(condition("Succeeded", "Unknown")),
    ],
    otherwise: { health: "Progressing", message: "Waiting to be started" },
  },
  ready("Ready", ["operator.tekton.dev/*", "triggers.tekton.dev/EventListener"], "https://tekton.dev/docs/operator/", {
    falseIs: "Progressing",
  }),
  phases(
    "status.phase",
    ["operators.coreos.com/ClusterServiceVersion"],
    "https://olm.operatorframework.io/docs/concepts/crds/clusterserviceversion/",
    {
      healthy: ["Succeeded"],
      degraded: ["Failed", "Unknown"],
      messageFrom: "status.message",
    },
  ),
  {
    kinds: ["operators.coreos.com/Subscription"],
    source: "https://olm.operatorframework.io/docs/concepts/crds/subscription/",
    when: [
      degraded(condition("InstallPlanFailed", "True")),
      degraded(condition("ResolutionFailed", "True")),
      degraded(condition("InstallPlanMissing", "True", "ReferencedInstallPlanNotFound")),
      degraded(condition("CatalogSourcesUnhealthy", "True")),
      suspended(condition("InstallPlanPending", "True", "RequiresApproval"), "The install plan waits for approval"),
      progressing(condition("InstallPlanPending", "True")),
      healthy(field("status.state", "AtLatestKnown"), { message: "" }),
      suspended(
        [field("status.state", "UpgradePending"), is("spec.installPlanApproval", "Manual")],
        "An upgrade waits for approval",
      ),
    ],
    otherwise: {
      health: "Progressing",
      messageFrom: "status.state",
      message: "Waiting for the operator to be installed",
    },
  },
  phases(
    "status.phase",
    ["operators.coreos.com/InstallPlan"],
    "https://olm.operatorframework.io/docs/concepts/crds/installplan/",
    {
      healthy: ["Complete"],
      degraded: ["Failed"],
      suspended: ["RequiresApproval"],
    },
  ),
  phases(
    "status.connectionState.lastObservedState",
    ["operators.coreos.com/CatalogSource"],
    "https://olm.operatorframework.io/docs/concepts/crds/catalogsource/",
    {
      healthy: ["READY"],
      degraded: ["TRANSIENT_FAILURE", "SHUTDOWN"],
    },
  ),
  {
    kinds: ["olm.operatorframework.io/ClusterExtension", "olm.operatorframework.io/ClusterCatalog"],
    source: "https://operator-framework.github.io/operator-controller/",
    observed: "conditions",
    when: [
      degraded(condition("Progressing", "False", "Blocked")),
      degraded(condition("Progressing", "True", "Retrying")),
      healthy(condition("Installed", "True")),
      healthy(condition("Serving", "True")),
      suspended(condition("Serving", "False", "UserSpecifiedUnavailable")),
    ],
    otherwise: { health: "Progressing", message: "Waiting to be installed" },
  },
  {
    kinds: ["k8s.keycloak.org/Keycloak"],
    source: "https://www.keycloak.org/operator/basic-deployment",
    when: [
      degraded(condition("HasErrors", "True")),
      progressing(condition("RollingUpdate", "True")),
      healthy(condition("Ready", "True"), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for Keycloak" },
  },
  {
    kinds: ["k8s.keycloak.org/KeycloakRealmImport"],
    source: "https://www.keycloak.org/operator/realm-import",
    when: [degraded(condition("HasErrors", "True")), healthy(condition("Done", "True"), { message: "" })],
    otherwise: { health: "Progressing", message: "Waiting for the import" },
  },
  phases(
    "status.phase",
    [
      "camel.apache.org/Integration",
      "camel.apache.org/IntegrationPlatform",
      "camel.apache.org/IntegrationKit",
      "camel.apache.org/Build",
      "camel.apache.org/Pipe",
    ],
    "https://camel.apache.org/camel-k/latest/running/",
    {
      healthy: ["Running", "Ready", "Succeeded"],
      degraded: ["Error", "Failed", "Interrupted"],
    },
  ),
  {
    kinds: ["autoscaling.k8s.io/VerticalPodAutoscaler"],
    source: "https://github.com/kubernetes/autoscaler/tree/master/vertical-pod-autoscaler",
    when: [
      degraded(condition("ConfigUnsupported", "True")),
      degraded(condition("ConfigDeprecated", "True")),
      progressing(condition("FetchingHistory", "True")),
      healthy(condition("RecommendationProvided", "True"), { message: "" }),
      progressing(condition("NoPodsMatched", "True")),
      progressing(condition("LowConfidence", "True")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for a recommendation" },
  },
  {
    kinds: ["apps.kruise.io/CloneSet", "apps.kruise.io/StatefulSet", "apps.kruise.io/DaemonSet"],
    source: "https://openkruise.io/docs/user-manuals/cloneset",
    observed: "required",
    when: [
      suspended(is("spec.updateStrategy.paused", true), "The update is paused"),
      suspended(is("spec.updateStrategy.rollingUpdate.paused", true), "The update is paused"),
      degraded(condition("FailedScale", "True")),
      degraded(condition("FailedUpdate", "True")),
      progressing(
        [{ field: "status.updatedReadyReplicas" }, { field: "status.updatedReadyReplicas", below: "spec.replicas" }],
        "Pods are not updated yet",
      ),
      progressing({ field: "status.readyReplicas", below: "spec.replicas" }, "Pods are not ready yet"),
      progressing({ field: "status.numberReady", below: "status.desiredNumberScheduled" }, "Pods are not ready yet"),
    ],
    otherwise: { health: "Healthy" },
  },
  {
    kinds: ["apps.openshift.io/DeploymentConfig"],
    source: "https://docs.openshift.com/container-platform/latest/applications/deployments/what-deployments-are.html",
    when: [
      suspended(is("spec.paused", true), "The deployment is paused"),
      degraded(condition("Progressing", "False")),
      progressing(condition("Available", "False")),
      progressing({ field: "status.updatedReplicas", below: "spec.replicas" }, "Pods are not updated yet"),
      healthy(condition("Available", "True"), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the deployment" },
  },
  {
    kinds: ["machineconfiguration.openshift.io/MachineConfigPool"],
    source: "https://docs.openshift.com/container-platform/latest/machine_configuration/index.html",
    when: [
      suspended(is("spec.paused", true), "The pool is paused"),
      degraded(condition("Degraded", "True")),
      progressing(condition("Updating", "True")),
      healthy(condition("Updated", "True"), { message: "" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the pool" },
  },
  {
    kinds: ["config.openshift.io/ClusterVersion", "config.openshift.io/ClusterOperator"],
    source: "https://docs.openshift.com/container-platform/latest/operators/operator-reference.html",
    when: [
      degraded(condition("Failing", "True")),
      degraded(condition("Degraded", "True")),
      progressing(condition("Progressing", "True")),
      healthy(condition("Available", "True"), { message: "" }),
      degraded(condition("Available", "False")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the operator" },
  },
];
