// What a change of a project asks for beyond the right to change it: a say over clusters and repositories that it newly
// lets in, and that its applications keep what they use. Follows Argo CD's ProjectService Update.
import { DriftlessError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { LostApplications } from "#controllers/application/controller.ts";
import type { AppProject, AppProjectSpec } from "#model/application.ts";
import { session, type Call } from "../rpc/service.ts";
import type { Rbac } from "../auth/rbac.ts";

const kindLists = [
  "clusterResourceWhitelist",
  "clusterResourceBlacklist",
  "namespaceResourceWhitelist",
  "namespaceResourceBlacklist",
] as const satisfies readonly (keyof AppProjectSpec)[];

/**
 * Whoever widens a project needs `update` on the clusters and repositories that come in, and on all of its clusters where
 * the kinds change that may go there. Error: PERMISSION_DENIED.
 */
export function requireWidening(rbac: Rbac, call: Call, before: AppProject, after: AppProject): void {
  session(call);
  const { spec: wanted } = after;
  const [known, all] = [clustersOf(before.spec), clustersOf(wanted)];
  const otherKinds = kindLists.some((list) => !sameJson(before.spec[list] ?? [], wanted[list] ?? []));
  for (const cluster of otherKinds ? all : all.filter((each) => !known.includes(each)))
    rbac.require(call.account, "clusters", "update", cluster);
  for (const url of wanted.sourceRepos ?? [])
    if (!before.spec.sourceRepos?.includes(url)) rbac.require(call.account, "repositories", "update", url);
}

const clustersOf = ({ destinations = [] }: AppProjectSpec): readonly string[] => [
  ...new Set(destinations.map(({ server, name }) => server || name || "")),
];

/** A project may not lose the sources and destinations that its applications use. Error: INVALID_ARGUMENT. */
export function refuseLosses({ sources, destinations }: LostApplications): void {
  const parts = [
    ...(sources.length > 0 ? [`${sources.length} applications source became invalid`] : []),
    ...(destinations.length > 0 ? [`${destinations.length} applications destination became invalid`] : []),
  ];
  if (parts.length === 0) return;
  const names = [...new Set([...sources, ...destinations])];
  const more = names.length > 5 ? ", …" : "";
  throw new DriftlessError(
    "INVALID_ARGUMENT",
    `as a result of project update ${parts.join(" and ")}: ${names.slice(0, 5).join(", ")}${more}`,
  );
}

const mergedLists = [...kindLists, "syncWindows", "sourceRepos", "destinations"] as const;

/**
 * A project without what stands in its lists only because it was read together with its global projects, as pages do
 * that show both: it would stay when a global project loses it.
 */
export function withoutInherited(wanted: AppProject, before: AppProject, globals: readonly AppProject[]): AppProject {
  if (globals.length === 0) return wanted;
  const spec: Record<string, unknown> = { ...wanted.spec };
  for (const list of mergedLists) {
    const items = wanted.spec[list] as readonly unknown[] | undefined;
    if (!items) continue;
    const has = (project: AppProject, item: unknown): boolean =>
      ((project.spec[list] as readonly unknown[] | undefined) ?? []).some((each) => sameJson(each, item));
    const kept = items.filter((item) => has(before, item) || !globals.some((each) => has(each, item)));
    if (kept.length < items.length) spec[list] = kept;
  }
  return { ...wanted, spec };
}
