// Cloud resources as Kubernetes objects: Crossplane, ACK (AWS), Config Connector (Google), Azure Service Operator.
import type { HealthRule } from "../rule.ts";
import { condition, degraded, field, healthy, is, progressing, ready, suspended } from "./words.ts";

const crossplane = "https://docs.crossplane.io/latest";

export const clouds: readonly HealthRule[] = [
  {
    kinds: [
      "pkg.crossplane.io/Provider",
      "pkg.crossplane.io/Configuration",
      "pkg.crossplane.io/Function",
      "pkg.crossplane.io/ProviderRevision",
      "pkg.crossplane.io/ConfigurationRevision",
      "pkg.crossplane.io/FunctionRevision",
    ],
    source: `${crossplane}/packages/providers/`,
    when: [
      suspended(field("spec.desiredState", "Inactive"), "The package revision is not active"),
      healthy([condition("Installed", "True"), condition("Healthy", "True")], { message: "" }),
      healthy([condition("Healthy", "True"), { field: "spec.desiredState" }]),
      healthy([condition("RevisionHealthy", "True"), { field: "spec.desiredState" }]),
      suspended(condition("Installed", "False", "InactivePackageRevision")),
      progressing(condition("Installed", "False", "UnpackingPackage")),
      degraded(condition("Installed", "False")),
      progressing(condition("Healthy", "False", "UnknownPackageRevisionHealth")),
      degraded(condition("Healthy", "False")),
      degraded(condition("RevisionHealthy", "False")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the package to be installed" },
  },
  {
    kinds: ["apiextensions.crossplane.io/CompositeResourceDefinition"],
    source: `${crossplane}/composition/composite-resource-definitions/`,
    when: [healthy([condition("Established", "True")]), progressing(condition("Established", "False"))],
    otherwise: { health: "Progressing", message: "Waiting to be established" },
  },
  {
    // Only read by others: they are well once they are there.
    kinds: [
      "apiextensions.crossplane.io/Composition",
      "apiextensions.crossplane.io/CompositionRevision",
      "apiextensions.crossplane.io/EnvironmentConfig",
      "pkg.crossplane.io/DeploymentRuntimeConfig",
      "pkg.crossplane.io/ControllerConfig",
      "pkg.crossplane.io/ImageConfig",
      "pkg.crossplane.io/Lock",
      "*.crossplane.io/ProviderConfig",
      "*.crossplane.io/ProviderConfigUsage",
      "*.upbound.io/ProviderConfig",
      "*.upbound.io/ProviderConfigUsage",
      "*.upbound.io/ClusterProviderConfig",
      "*.upbound.io/StoreConfig",
    ],
    source: `${crossplane}/composition/compositions/`,
    when: [],
    otherwise: { health: "Healthy" },
  },
  {
    kinds: ["*.crossplane.io/*", "*.upbound.io/*"],
    source: `${crossplane}/managed-resources/managed-resources/#conditions`,
    observed: "conditions",
    when: [
      suspended({ field: "metadata.annotations.crossplane\\.io/paused", is: "true" }, "Reconciliation is paused"),
      degraded(condition("LastAsyncOperation", "False")),
      degraded(condition("Synced", "False")),
      degraded(condition("Ready", "False", "Unavailable")),
      healthy(condition("Ready", "True"), { message: "" }),
      progressing({ condition: "Ready" }),
      progressing({ condition: "Synced" }, "Waiting to be ready"),
      // A managed resource nobody has looked at; other kinds without conditions have no health.
      progressing({ field: "spec.forProvider" }, "Waiting to be provisioned"),
    ],
  },
  {
    kinds: ["*.services.k8s.aws/*"],
    source: "https://aws-controllers-k8s.github.io/community/docs/user-docs/resource-crud/",
    when: [
      degraded(condition("ACK.Terminal", "True")),
      degraded(condition("ACK.Recoverable", "True")),
      healthy(condition("ACK.ResourceSynced", "True"), { message: "" }),
      healthy(condition("Ready", "True"), { message: "" }),
      progressing({ condition: "ACK.ResourceSynced" }),
      progressing({ condition: "Ready" }),
    ],
    otherwise: { health: "Progressing", message: "Waiting to be synced" },
  },
  {
    kinds: ["core.cnrm.cloud.google.com/*", "customize.core.cnrm.cloud.google.com/*"],
    source: "https://cloud.google.com/config-connector/docs/how-to/install-namespaced",
    when: [
      degraded(is("status.healthy", false), { messageFrom: "status.errors.*" }),
      healthy(is("status.healthy", true), { message: "" }),
    ],
  },
  ready(
    "Ready",
    ["*.cnrm.cloud.google.com/*"],
    "https://cloud.google.com/config-connector/docs/how-to/monitoring-your-resources",
    {
      waiting: "Waiting to be provisioned",
      passing: ["Updating", "Creating", "DependencyNotReady", "Unmanaged"],
    },
  ),
  {
    kinds: ["*.azure.com/*"],
    source: "https://azure.github.io/azure-service-operator/design/resource-states/",
    observed: "conditions",
    when: [
      healthy(condition("Ready", "True"), { message: "" }),
      degraded([condition("Ready", "False"), { field: "status.conditions.*.severity", is: "Error" }]),
      progressing({ condition: "Ready" }),
      progressing({ field: "spec.owner" }, "Waiting to be provisioned"),
      progressing({ field: "spec.azureName" }, "Waiting to be provisioned"),
    ],
  },
];
