// Health of Service and Ingress: a load balancer that should have an address is Progressing until it has one.
import { listAt, stringAt } from "#base/json.ts";
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KindChecks } from "../check.ts";
import { health } from "../read.ts";

function service(object: KubernetesObject): HealthStatus {
  if (stringAt(object, "spec", "type") !== "LoadBalancer") return health("Healthy");
  return ingress(object);
}

function ingress(object: KubernetesObject): HealthStatus {
  return health(listAt(object, "status", "loadBalancer", "ingress").length > 0 ? "Healthy" : "Progressing");
}

export const network: KindChecks = {
  "/Service": service,
  "networking.k8s.io/Ingress": ingress,
  "extensions/Ingress": ingress,
};
