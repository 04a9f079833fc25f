// Health of what extends the API server: APIService and CustomResourceDefinition.
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KindChecks } from "../check.ts";
import { conditionOf, health } from "../read.ts";

function apiService(object: KubernetesObject): HealthStatus {
  const available = conditionOf(object, "Available");
  if (available === undefined) return health("Progressing", "Waiting to be processed");
  return health(available.status === "True" ? "Healthy" : "Progressing", `${available.reason}: ${available.message}`);
}

function customResourceDefinition(object: KubernetesObject): HealthStatus {
  const terminating = conditionOf(object, "Terminating");
  if (terminating?.status === "True") {
    return health("Progressing", `CRD is being terminated: ${terminating.message}`);
  }
  const names = conditionOf(object, "NamesAccepted");
  if (names?.status === "False") return health("Degraded", `CRD names have not been accepted: ${names.message}`);
  const established = conditionOf(object, "Established");
  if (established === undefined) {
    return names === undefined
      ? health("Progressing", "Status conditions not found")
      : health("Progressing", "CRD is not established: ");
  }
  if (established.status !== "True") {
    // Every new definition is "Installing" for a moment: not yet a fault.
    const code = established.reason === "Installing" ? "Progressing" : "Degraded";
    return health(code, `CRD is not established: ${established.message}`);
  }
  const schema = conditionOf(object, "NonStructuralSchema");
  if (schema?.status === "True") return health("Degraded", `Schema violations found: ${schema.message}`);
  return health("Healthy", "CRD is healthy");
}

export const extension: KindChecks = {
  "apiregistration.k8s.io/APIService": apiService,
  "apiextensions.k8s.io/CustomResourceDefinition": customResourceDefinition,
};
