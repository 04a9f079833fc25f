// What the parts of the application service work with.
import type { Clock } from "#base/ports.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import type { KubeClient } from "#kube/types.ts";
import type { Application } from "#model/application.ts";
import type { Informer } from "#runtime/informer.ts";
import type { ActionMeans } from "./resources/action-means.ts";

export interface ApplicationServiceDeps {
  readonly control: KubeClient;
  readonly applications: Informer<Application>;
  readonly controller: ApplicationController;
  readonly clock: Clock;
  readonly namespace: string;
  readonly actions: ActionMeans;
  normaliseUrl(url: string): string;
}
