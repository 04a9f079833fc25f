// Which kinds are looked at on a cluster at all: resource.inclusions and resource.exclusions. Pure.
// Source: Argo CD's "Declarative Setup", Resource Exclusion/Inclusion.
import type { GroupKind } from "#model/object.ts";
import type { ResourceFilter, Settings } from "#model/settings.ts";
import { globAny } from "./glob.ts";

/** Left out whatever the settings say: they change all the time and deploy nothing. */
const always: readonly ResourceFilter[] = [
  { apiGroups: ["events.k8s.io", "metrics.k8s.io"], kinds: [], clusters: [] },
  { apiGroups: [""], kinds: ["Event"], clusters: [] },
  { apiGroups: ["coordination.k8s.io"], kinds: ["Lease"], clusters: [] },
];

/** Whether the settings leave a kind out on the cluster with this address: neither watched, nor managed, nor pruned. */
export function isExcluded(
  settings: Pick<Settings, "resourceExclusions" | "resourceInclusions">,
  kind: GroupKind,
  server: string,
): boolean {
  const matches = (filter: ResourceFilter): boolean =>
    (filter.apiGroups.length === 0 || globAny(filter.apiGroups, kind.group)) &&
    (filter.kinds.length === 0 || filter.kinds.some((name) => name === "*" || name === kind.kind)) &&
    (filter.clusters.length === 0 || globAny(filter.clusters, server));
  const { resourceInclusions, resourceExclusions } = settings;
  if (always.some(matches)) return true;
  if (resourceInclusions.length > 0 && !resourceInclusions.some(matches)) return true;
  return resourceExclusions.some(matches);
}
