// Labels that Events carry over from the Application they are about and from its project. Pure.
// Source: Argo CD's argocd-cm, resource.includeEventLabelKeys and resource.excludeEventLabelKeys.
import { globAny } from "./glob.ts";

type Labels = Readonly<Record<string, string>>;

/** The labels whose keys match a pattern of `include` and none of `exclude`; the object's own win over its project's. */
export function eventLabels(
  of: { readonly object: Labels | undefined; readonly project: Labels | undefined },
  { include, exclude }: { readonly include: readonly string[]; readonly exclude: readonly string[] },
): Labels {
  if (include.length === 0) return {};
  return Object.fromEntries(
    Object.entries({ ...of.project, ...of.object }).filter(([key]) => globAny(include, key) && !globAny(exclude, key)),
  );
}
