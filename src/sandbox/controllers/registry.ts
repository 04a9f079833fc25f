// The list of built-in controllers. Adding one touches this list and nothing else.
import type { ControllerFactory } from "./support/controller.ts";
import { autoscalingController } from "./autoscaling.ts";
import { cronJobController } from "./cronjob.ts";
import { daemonSetController } from "./daemonset.ts";
import { jobController } from "./job.ts";
import { statefulSetController } from "./statefulset.ts";
import { definitionController } from "./definitions.ts";
import { disruptionController } from "./disruption.ts";
import { endpointsController, ingressController } from "./endpoints.ts";
import { eventExpiryController } from "./event-expiry.ts";
import { namespaceDefaultsController } from "./namespace-defaults.ts";
import { quotaController } from "./quota.ts";
import { volumeController } from "./volumes.ts";
import { deploymentController } from "./deployment.ts";
import { garbageCollector } from "./garbage.ts";
import { namespaceController } from "./namespace.ts";
import { podController } from "./pod.ts";
import { replicaSetController } from "./replicaset.ts";

export const controllers: readonly ControllerFactory[] = [
  namespaceController,
  garbageCollector,
  deploymentController,
  replicaSetController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  podController,
  endpointsController,
  ingressController,
  volumeController,
  autoscalingController,
  disruptionController,
  namespaceDefaultsController,
  definitionController,
  quotaController,
  eventExpiryController,
];
