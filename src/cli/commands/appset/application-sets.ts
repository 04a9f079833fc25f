// ApplicationSets for the commands on them: their names, files that hold them, their tables as argocd prints them.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import { sourcesOf, type ApplicationSource, type ApplicationSpec } from "#model/application.ts";
import type { Context } from "../../context.ts";
import { readPlace } from "../../local/files.ts";
import type { ApplicationSet } from "../../server/services.ts";
import { labelled, oneLine, table } from "../../view/table.ts";

export const qualifiedName = ({ metadata }: ApplicationSet): string =>
  metadata.namespace ? `${metadata.namespace}/${metadata.name}` : (metadata.name ?? "");

/** The ApplicationSets of a file, URL or standard input. Error: MANIFEST_INVALID naming place and document. */
export async function applicationSetsIn(context: Context, place: string): Promise<readonly ApplicationSet[]> {
  const text = await readPlace(context, place);
  const { loadAll } = await import("js-yaml");
  let documents: unknown[];
  try {
    documents = loadAll(text);
  } catch (thrown) {
    const [why = ""] = (thrown as Error).message.split("\n");
    throw new DriftlessError("MANIFEST_INVALID", `${place}: ${why}`, { cause: thrown });
  }
  const found = documents.filter((item) => item !== null && item !== undefined);
  if (found.length === 0) throw new DriftlessError("MANIFEST_INVALID", `No ApplicationSets found in ${place}`);
  return found.map((item, index) => {
    const where = found.length === 1 ? place : `document ${index + 1} of ${place}`;
    if (!isObject(item) || item["kind"] !== "ApplicationSet" || !isObject(item["metadata"]))
      throw new DriftlessError("MANIFEST_INVALID", `${where} is not an ApplicationSet`);
    const set = item as unknown as ApplicationSet;
    if (!set.metadata.name)
      throw new DriftlessError("MANIFEST_INVALID", `${where} is an ApplicationSet without a name`);
    return set;
  });
}

const templateOf = ({ spec }: ApplicationSet): Partial<ApplicationSpec> => spec.template?.spec ?? {};

function sourceOf(set: ApplicationSet): Partial<ApplicationSource> {
  return sourcesOf(templateOf(set) as ApplicationSpec)[0] ?? {};
}

export function applicationSetTable(sets: readonly ApplicationSet[]): string {
  const rows = sets.map((set) => {
    const source = sourceOf(set);
    const met = (set.status?.conditions ?? []).filter(({ status }) => status === "True").map(({ type = "" }) => type);
    return [
      qualifiedName(set),
      templateOf(set).project ?? "",
      set.spec.syncPolicy?.applicationsSync ?? "<none>",
      met.length === 0 ? "<none>" : met.join(","),
      source.repoURL ?? "",
      source.path ?? "",
      source.targetRevision ?? "",
    ].map(oneLine);
  });
  return table([["NAME", "PROJECT", "SYNCPOLICY", "CONDITIONS", "REPO", "PATH", "TARGET"], ...rows]);
}

export function applicationSetDetails(set: ApplicationSet): string {
  const spec = templateOf(set);
  const source = sourceOf(set);
  const automated = spec.syncPolicy?.automated;
  const policy = automated ? `Automated${automated.prune ? " (Prune)" : ""}` : "<none>";
  const conditions = (set.status?.conditions ?? []).map((item) =>
    [item.type ?? "", item.status ?? "", item.message ?? "", item.lastTransitionTime ?? ""].map(oneLine),
  );
  return [
    labelled("Name:", qualifiedName(set)),
    labelled("Project:", spec.project || "default"),
    labelled("Server:", spec.destination?.server || (spec.destination?.name ?? "")),
    labelled("Namespace:", spec.destination?.namespace ?? ""),
    labelled("Repo:", source.repoURL ?? ""),
    labelled("Target:", source.targetRevision ?? ""),
    labelled("Path:", source.path ?? ""),
    labelled("SyncPolicy:", policy),
    conditions.length === 0
      ? ""
      : `\n${table([["CONDITION", "STATUS", "MESSAGE", "LAST TRANSITION"], ...conditions])}\n`,
  ].join("");
}
