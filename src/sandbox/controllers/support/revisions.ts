// ControllerRevisions: the pod templates that a StatefulSet or DaemonSet had, numbered.
// Source: Kubernetes, "ControllerRevision".
import { sameJson } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Context } from "./controller.ts";
import { shortHash } from "./hash.ts";
import { controlled, kinds, ownerRefTo, remove, type PodTemplate } from "./objects.ts";

export const revisionLabel = "controller-revision-hash";
const hashLabel = "controller.kubernetes.io/hash";

export interface Revision extends KubernetesObject {
  readonly data?: { readonly spec?: { readonly template?: PodTemplate } };
  readonly revision: number;
}

export interface Templated extends KubernetesObject {
  readonly spec: { readonly template: PodTemplate; readonly revisionHistoryLimit?: number };
}

/** All revisions of an owner, oldest first, the last being that of its present template (made if need be). */
export function revisionsOf(context: Context, owner: Templated): readonly Revision[] {
  const known = controlled<Revision>(context, owner, kinds.controllerRevision).sort((a, b) => a.revision - b.revision);
  const template = owner.spec.template;
  const newest = known.at(-1);
  if (newest !== undefined && sameJson(templateOf(newest), template)) return known;
  const number = (newest?.revision ?? 0) + 1;
  const found = known.find((each) => sameJson(templateOf(each), template));
  if (found !== undefined) {
    const moved = context.client.update({ ...found, revision: number }) as Revision;
    return [...known.filter((each) => each !== found), moved];
  }
  const hash = shortHash(template, undefined);
  const created = context.client.create({
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${owner.metadata.name}-${hash}`,
      namespace: owner.metadata.namespace ?? "",
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(owner.metadata.annotations === undefined ? {} : { annotations: owner.metadata.annotations }),
      ownerReferences: [ownerRefTo(owner)],
    },
    data: { spec: { template: { ...template, $patch: "replace" } } },
    revision: number,
  });
  return [...known, created as Revision];
}

export function templateOf(revision: Revision): PodTemplate | undefined {
  const template = revision.data?.spec?.template as (PodTemplate & { readonly $patch: string }) | undefined;
  if (template === undefined) return undefined;
  const { $patch: _, ...rest } = template;
  return rest;
}

export function hashOf(revision: Revision | undefined): string {
  return revision?.metadata.labels?.[hashLabel] ?? "";
}

/** Removes the oldest revisions that are beyond the limit and not in use. */
export function truncateHistory(
  context: Context,
  owner: Templated,
  revisions: readonly Revision[],
  inUse: ReadonlySet<string>,
): void {
  const idle = revisions.filter((each) => !inUse.has(each.metadata.name ?? ""));
  const surplus = idle.length - (owner.spec.revisionHistoryLimit ?? 10);
  for (const revision of idle.slice(0, Math.max(0, surplus))) remove(context, revision);
}
