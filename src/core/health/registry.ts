// The one table of built-in health checks, by group/kind. Adding a family is a file in kinds/ and a line here.
import type { HealthCheck, KindChecks } from "./check.ts";
import { argo } from "./kinds/argo.ts";
import { autoscaling } from "./kinds/autoscaling.ts";
import { batch } from "./kinds/batch.ts";
import { extension } from "./kinds/extension.ts";
import { network } from "./kinds/network.ts";
import { pods } from "./kinds/pods.ts";
import { policy } from "./kinds/policy.ts";
import { storage } from "./kinds/storage.ts";
import { workloads } from "./kinds/workloads.ts";

const families: readonly KindChecks[] = [
  workloads,
  pods,
  batch,
  network,
  storage,
  autoscaling,
  extension,
  policy,
  argo,
];

export const checks: ReadonlyMap<string, HealthCheck> = new Map(families.flatMap((family) => Object.entries(family)));
