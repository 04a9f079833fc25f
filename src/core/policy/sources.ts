// What an Application's sources must say, whatever the repositories hold. Pure. Source: how Argo CD validates an
// Application; where it has a sentence for something, it is this one.
import { sourcesOf, type ApplicationSource, type ApplicationSpec } from "#model/application.ts";

export interface SourceProblem {
  readonly field: string;
  readonly message: string;
}

/** The first thing that is wrong with a spec's sources; undefined where nothing is. */
export function sourceProblem(spec: ApplicationSpec): SourceProblem | undefined {
  const sources = sourcesOf(spec);
  const many = (spec.sources?.length ?? 0) > 0;
  if (sources.length === 0) return incomplete("spec.source");
  for (const [index, source] of sources.entries()) {
    const found = problemOf(source, many ? { field: `spec.sources[${index}]`, index } : { field: "spec.source" });
    if (found) return found;
  }
  const refs = sources.flatMap(({ ref }) => (ref ? [ref] : []));
  const twice = refs.find((ref, index) => refs.indexOf(ref) !== index);
  if (twice === undefined) return undefined;
  return { field: "spec.sources", message: `invalid sources: multiple sources had the same \`ref\` key: ${twice}` };
}

function problemOf(
  { repoURL, path, chart, ref, targetRevision }: ApplicationSource,
  { field, index }: { readonly field: string; readonly index?: number },
): SourceProblem | undefined {
  if (!repoURL || (!path && !chart && !(index !== undefined && ref)))
    return incomplete(repoURL ? field : `${field}.repoURL`, index);
  if (chart && !targetRevision)
    return {
      field: `${field}.targetRevision`,
      message: "spec.source.targetRevision is required if the manifest source is a helm chart",
    };
  return undefined;
}

function incomplete(field: string, index?: number): SourceProblem {
  const message =
    index === undefined
      ? "spec.source.repoURL and either spec.source.path or spec.source.chart are required"
      : `spec.source.repoURL and either source.path, source.chart, or source.ref are required for source ${index + 1}`;
  return { field, message };
}
