// Adoption and release: a controller owns what its selector matches and what nobody else controls.
// Source: Kubernetes, "ReplicaSet" (Non-Template Pod acquisitions) and "Garbage Collection" (orphans).
import type { GroupKind, KubernetesObject } from "#model/object.ts";
import type { Context } from "./controller.ts";
import { byAge, controlled, controllerOf, deleting, ownerRefTo } from "./objects.ts";
import { matches, type LabelSelector } from "./selectors.ts";

/**
 * Returns what `owner` controls among objects of `kind`, oldest first, after adopting orphans that its selector
 * matches and releasing what it matches no longer. `candidates` are objects that may be orphans.
 */
export function claim<T extends KubernetesObject>(
  context: Context,
  owner: KubernetesObject & { readonly spec: { readonly selector: LabelSelector } },
  kind: GroupKind,
  candidates: Iterable<KubernetesObject>,
): T[] {
  const { selector } = owner.spec;
  const own: T[] = [];
  let released = false;
  for (const object of controlled<T>(context, owner, kind)) {
    if (matches(selector, object.metadata.labels)) own.push(object);
    else if (!deleting(owner)) {
      release(context, owner, object);
      released = true;
    }
  }
  if (deleting(owner)) return own;
  let adopted = false;
  for (const candidate of candidates) {
    if (controllerOf(candidate) !== undefined || !matches(selector, candidate.metadata.labels)) continue;
    const { namespace = "", name = "" } = candidate.metadata;
    // Candidates come from an index that may lag: look again.
    const object = context.client.get(kind, namespace, name);
    if (object === undefined || deleting(object) || controllerOf(object) !== undefined) continue;
    own.push(adopt(context, owner, object) as T);
    adopted = true;
  }
  return adopted || released ? own.sort(byAge) : own;
}

function adopt(context: Context, owner: KubernetesObject, object: KubernetesObject): KubernetesObject {
  const others = (object.metadata.ownerReferences ?? []).filter((ref) => ref.uid !== owner.metadata.uid);
  const metadata = { ...object.metadata, ownerReferences: [...others, ownerRefTo(owner)] };
  return context.client.update({ ...object, metadata });
}

function release(context: Context, owner: KubernetesObject, object: KubernetesObject): void {
  const others = (object.metadata.ownerReferences ?? []).filter((ref) => ref.uid !== owner.metadata.uid);
  const { ownerReferences: _, ...rest } = object.metadata;
  const metadata = others.length === 0 ? rest : { ...rest, ownerReferences: others };
  context.client.update({ ...object, metadata });
}
