// Which objects a selective sync takes. Pure. Source: Argo CD's "Selective Sync", `argocd app sync --resource`.
import type { SyncResourceRef } from "#model/application.ts";
import type { ObjectKey } from "#model/object.ts";

/** Whether an object is chosen: not left out by any of the names, and named by one unless all of them leave out. */
export function matchesSelection(selection: readonly SyncResourceRef[], key: ObjectKey): boolean {
  let named = false;
  let names = false;
  for (const ref of selection) {
    if (ref.exclude === true) {
      if (matches(ref, key)) return false;
    } else {
      names = true;
      named ||= matches(ref, key);
    }
  }
  return named || !names;
}

function matches({ group = "", kind, name, namespace = "" }: SyncResourceRef, key: ObjectKey): boolean {
  return (
    (group === "*" || group === key.group) &&
    (kind === "*" || kind === key.kind) &&
    (name === "*" || name === key.name) &&
    (namespace === "" || namespace === "*" || namespace === key.namespace)
  );
}
