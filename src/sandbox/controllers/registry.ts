// The list of built-in controllers. Adding one touches this list and nothing else.
import type { ControllerFactory } from "./support/controller.ts";
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
  podController,
];
