// Orphaned resources: objects in a namespace that applications deploy to, which none of them manages. Pure.
// Source: Argo CD's "Orphaned Resources Monitoring".
import type { AppProjectSpec } from "#model/application.ts";
import type { ObjectKey } from "#model/object.ts";
import { globAny } from "./glob.ts";
import { isKindPermitted } from "./project.ts";

/** Kinds that controllers write beside what they are about, without owning it: no one's orphans. */
const written: ReadonlySet<string> = new Set(["/Endpoints", "discovery.k8s.io/EndpointSlice", "/Event"]);

/**
 * Whether an object that nobody owns and no application manages counts as orphaned in a project: not where the project
 * ignores it or forbids its kind, nor what Kubernetes puts into each namespace by itself.
 */
export function isOrphan(spec: AppProjectSpec, key: ObjectKey): boolean {
  if (spec.orphanedResources === undefined || key.namespace === "") return false;
  const { group, kind, name, namespace } = key;
  if (written.has(`${group}/${kind}`)) return false;
  if (group === "") {
    if (kind === "ServiceAccount" && name === "default") return false;
    if (kind === "ConfigMap" && name === "kube-root-ca.crt") return false;
    if (kind === "Service" && name === "kubernetes" && namespace === "default") return false;
  }
  if (!isKindPermitted(spec, key, true, name)) return false;
  return !(spec.orphanedResources.ignore ?? []).some(
    (item) =>
      globAny([item.group ?? ""], group) &&
      (!item.kind || globAny([item.kind], kind)) &&
      (!item.name || globAny([item.name], name)),
  );
}

/** Whether applications of the project shall have a condition for orphans: unless it says `warn: false`. */
export function warnsOfOrphans(spec: AppProjectSpec): boolean {
  return spec.orphanedResources !== undefined && spec.orphanedResources.warn !== false;
}
