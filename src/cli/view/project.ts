// Projects as argocd prints them: the table of `proj list`, the details of `proj get`, roles and tokens. Pure.
import type { AppProject, ApplicationDestination, ResourceMatch } from "#model/application.ts";
import type { DetailedProject } from "../server/services.ts";
import { oneLine, table } from "./table.ts";

const header = [
  "NAME",
  "DESCRIPTION",
  "DESTINATIONS",
  "SOURCES",
  "CLUSTER-RESOURCE-WHITELIST",
  "NAMESPACE-RESOURCE-BLACKLIST",
  "SIGNATURE-KEYS",
  "ORPHANED-RESOURCES",
];
const none = "<none>";

/** One as it is, several by their number. */
function brief<T>(items: readonly T[] | undefined, shown: (item: T) => string, what: string): string {
  if (!items || items.length === 0) return none;
  return items.length === 1 ? shown(items[0]!) : `${items.length} ${what}`;
}

const destinationText = ({ server, name, namespace }: ApplicationDestination): string =>
  `${server || (name ?? "")},${namespace ?? ""}`;
const kindText = ({ group = "", kind = "" }: Partial<ResourceMatch>): string => `${group}/${kind}`;

function orphanedText({ spec }: AppProject): string {
  const settings = spec.orphanedResources;
  if (!settings) return "disabled";
  const ignored = settings.ignore?.length ?? 0;
  return `enabled (warn=${settings.warn ?? true}${ignored > 0 ? `, ignored ${ignored}` : ""})`;
}

export function projectTable(projects: readonly AppProject[]): string {
  const rows = projects.map((project) => {
    const { metadata, spec } = project;
    return [
      metadata.name ?? "",
      spec.description ?? "",
      brief(spec.destinations, destinationText, "destinations"),
      brief(spec.sourceRepos, (url) => url, "repos"),
      brief(spec.clusterResourceWhitelist, kindText, "resources"),
      spec.namespaceResourceBlacklist?.length ? `${spec.namespaceResourceBlacklist.length} resources` : none,
      spec.signatureKeys?.length ? `${spec.signatureKeys.length} key(s)` : none,
      orphanedText(project),
    ].map(oneLine);
  });
  return table([header, ...rows]);
}

export function projectDetails({ project, repositories = [], clusters = [] }: DetailedProject): string {
  const { metadata, spec } = project;
  const lines = (name: string, items: readonly string[] | undefined): string => {
    const [first = none, ...more] = items ?? [];
    return [[name, first] as const, ...more.map((item) => ["", item] as const)]
      .map(([label, value]) => `${label.padEnd(29)}${oneLine(value)}\n`)
      .join("");
  };
  return [
    lines("Name:", [metadata.name ?? ""]),
    lines("Description:", [spec.description ?? ""]),
    lines("Destinations:", spec.destinations?.map(destinationText)),
    lines("Repositories:", spec.sourceRepos),
    lines("Source Namespaces:", spec.sourceNamespaces),
    lines(
      "Scoped Repositories:",
      repositories.map(({ repo = "" }) => repo),
    ),
    lines("Allowed Cluster Resources:", spec.clusterResourceWhitelist?.map(kindText)),
    lines(
      "Scoped Clusters:",
      clusters.map(({ server }) => server),
    ),
    lines("Denied Namespaced Resources:", spec.namespaceResourceBlacklist?.map(kindText)),
    lines(
      "Signature keys:",
      spec.signatureKeys?.length ? [spec.signatureKeys.map(({ keyID }) => keyID).join(", ")] : [],
    ),
    lines("Orphaned Resources:", [orphanedText(project)]),
  ].join("");
}
