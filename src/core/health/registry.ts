// The one table of built-in health checks, by group/kind: kinds/ are the built-in kinds, as code; rules/ are custom
// resources, as data. Adding a family is a file there and a line here.
import { KindTable } from "#model/kind-table.ts";
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
import { checkOf, type HealthRule } from "./rule.ts";
import { argoProjects } from "./rules/argo.ts";
import { certificates } from "./rules/certificates.ts";
import { clouds } from "./rules/clouds.ts";
import { dataServices } from "./rules/data-services.ts";
import { flux } from "./rules/flux.ts";
import { networking } from "./rules/networking.ts";
import { operations } from "./rules/operations.ts";
import { platform } from "./rules/platform.ts";
import { serving } from "./rules/serving.ts";

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

/** Every rule: what other projects document of their own resources. */
export const allRules: readonly HealthRule[] = [
  ...argoProjects,
  ...certificates,
  ...clouds,
  ...dataServices,
  ...flux,
  ...networking,
  ...operations,
  ...platform,
  ...serving,
];

/** The rules' checks; patterns among them. */
export const rules: KindTable<HealthCheck> = tableOf(allRules);

function tableOf(list: readonly HealthRule[]): KindTable<HealthCheck> {
  const table = new KindTable<HealthCheck>();
  for (const rule of list) {
    const check = checkOf(rule);
    for (const kind of rule.kinds) table.add(kind, check);
  }
  return table;
}
