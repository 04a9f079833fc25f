// Health of PersistentVolumeClaim.
import { stringAt } from "#base/json.ts";
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KindChecks } from "../check.ts";
import { health } from "../read.ts";

function claim(object: KubernetesObject): HealthStatus {
  switch (stringAt(object, "status", "phase")) {
    case "Bound":
      return health("Healthy");
    case "Pending":
      return health("Progressing");
    case "Lost":
      return health("Degraded");
    default:
      return health("Unknown");
  }
}

export const storage: KindChecks = { "/PersistentVolumeClaim": claim };
