// CustomResourceDefinitions become kinds: their names are accepted, their status says so, and with them go their
// objects. What kube-apiserver leaves to controllers that take a moment happens here inside the write.
import { isObject, listAt, sameJson, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition } from "../contract.ts";
import { type Core, nowText } from "./core.ts";
import { deleteObject } from "./deletes.ts";
import { byPreference, resourceId } from "./kinds.ts";
import { storeChange } from "./writes.ts";

const resource = "apiextensions.k8s.io/customresourcedefinitions";
const cleanup = "customresourcecleanup.apiextensions.k8s.io";
const manager = "kube-apiserver";

interface Condition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

export type CustomResources = (crd: KubernetesObject) => readonly ResourceDefinition[];

/** Serves the kinds of the CustomResourceDefinitions that are stored, and of those to come. */
export function serveCustomResources(
  core: Core,
  customResource: CustomResources,
  onRemoved: (resource: string) => void,
): void {
  for (const crd of core.store.list(resource)) serve(core, crd, customResource);
  for (const crd of core.store.list(resource)) {
    if (crd.metadata.deletionTimestamp !== undefined) removeObjects(core, crd);
  }
  core.afterWrite.set(resource, (crd, removed) => {
    const name = crd.metadata.name ?? "";
    if (removed) {
      for (const definition of core.kinds.customOf(name)) onRemoved(resourceId(definition));
      core.kinds.setCustom(name, []);
    } else if (crd.metadata.deletionTimestamp !== undefined) {
      removeObjects(core, crd);
    } else {
      accept(core, crd);
      serve(core, core.store.get(resource, "", name) ?? crd, customResource);
    }
  });
}

function serve(core: Core, crd: KubernetesObject, customResource: CustomResources): void {
  const established = conditions(crd).some((each) => each.type === "Established" && each.status === "True");
  if (!established) return;
  const definitions = customResource(crd).map((each) => {
    const deprecation = each.deprecation ?? deprecationOf(crd, each);
    return deprecation === undefined ? each : withDeprecation(each, deprecation);
  });
  core.kinds.setCustom(crd.metadata.name ?? "", definitions);
}

/** The same definition, its lazy parts still lazy. */
function withDeprecation(definition: ResourceDefinition, deprecation: string): ResourceDefinition {
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(definition),
      deprecation: { value: deprecation, enumerable: true },
    },
  ) as ResourceDefinition;
}

/** What requests of a deprecated version are warned with; undefined for others. */
function deprecationOf(crd: KubernetesObject, { group, version, kind }: ResourceDefinition): string | undefined {
  const versions = listAt(crd, "spec", "versions").filter((each) => isObject(each));
  const own = versions.find((each) => each["name"] === version);
  if (own?.["deprecated"] !== true) return undefined;
  const text = stringAt(own, "deprecationWarning");
  if (text !== undefined) return text;
  const [better] = versions
    .filter((each) => each["served"] === true && each["deprecated"] !== true)
    .map((each) => stringAt(each, "name") ?? "")
    .sort(byPreference);
  const instead = better === undefined || byPreference(better, version) > 0 ? "" : `; use ${group}/${better} ${kind}`;
  return `${group}/${version} ${kind} is deprecated${instead}`;
}

function conditions(crd: KubernetesObject): readonly Condition[] {
  return listAt(crd, "status", "conditions").filter((each) => isObject(each)) as unknown as readonly Condition[];
}

/** Writes the status that the names controller and the establishing controller would, and the finalizer. */
function accept(core: Core, crd: KubernetesObject): void {
  const definition = core.kinds.stored({ group: "apiextensions.k8s.io", kind: "CustomResourceDefinition" });
  const current = core.store.get(resource, "", crd.metadata.name ?? "");
  if (definition === undefined || current === undefined) return;
  const spec = isObject(current["spec"]) ? current["spec"] : {};
  const names = isObject(spec["names"]) ? spec["names"] : {};
  const conflict = nameConflict(core, current);
  const now = nowText(core);
  const before = conditions(current);
  const condition = (type: string, status: Condition["status"], reason: string, message: string): Condition => {
    const old = before.find((each) => each.type === type);
    const since = old?.status === status ? old.lastTransitionTime : now;
    return { type, status, lastTransitionTime: since, reason, message };
  };
  const accepted =
    conflict === undefined
      ? [
          condition("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
          condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
        ]
      : [
          condition("NamesAccepted", "False", conflict.reason, conflict.message),
          condition("Established", "False", "NotAccepted", "not all names are accepted"),
        ];
  const others = before.filter((each) => each.type !== "NamesAccepted" && each.type !== "Established");
  const kept = listAt(current, "status", "storedVersions").map(String);
  const storage = listAt(spec, "versions").find((version) => isObject(version) && version["storage"] === true);
  const storageName = stringAt(storage, "name") ?? "";
  const status = {
    ...(isObject(current["status"]) ? current["status"] : {}),
    conditions: [...accepted, ...others],
    acceptedNames: conflict === undefined ? names : {},
    storedVersions: kept.includes(storageName) ? kept : [...kept, storageName],
  };
  if (!sameJson(status, current["status"])) {
    storeQuietly(core, definition, current, { ...current, status }, "status");
  }
  const finalizers = current.metadata.finalizers ?? [];
  if (finalizers.includes(cleanup)) return;
  const latest = core.store.get(resource, "", crd.metadata.name ?? "") ?? current;
  const metadata = { ...latest.metadata, finalizers: [...finalizers, cleanup] };
  storeQuietly(core, definition, latest, { ...latest, metadata });
}

/** Stores without coming back here. */
function storeQuietly(
  core: Core,
  definition: ResourceDefinition,
  old: KubernetesObject,
  next: KubernetesObject,
  subresource?: string,
): void {
  const hook = core.afterWrite.get(resource);
  core.afterWrite.delete(resource);
  try {
    storeChange(core, definition, { old, next }, { manager, ...(subresource === undefined ? {} : { subresource }) });
  } finally {
    if (hook !== undefined) core.afterWrite.set(resource, hook);
  }
}

function nameConflict(core: Core, crd: KubernetesObject): { reason: string; message: string } | undefined {
  const group = stringAt(crd, "spec", "group") ?? "";
  const plural = stringAt(crd, "spec", "names", "plural") ?? "";
  const kind = stringAt(crd, "spec", "names", "kind") ?? "";
  const own = new Set(core.kinds.customOf(crd.metadata.name ?? "").map((each) => resourceId(each)));
  for (const each of core.kinds.all()) {
    if (each.group !== group || own.has(resourceId(each)) || `${each.plural}.${each.group}` === crd.metadata.name)
      continue;
    if (each.plural === plural) return { reason: "PluralConflict", message: `"${plural}" is already in use` };
    if (each.kind === kind) return { reason: "KindConflict", message: `"${kind}" is already in use` };
  }
  return undefined;
}

/** Deletes the objects of a definition that is being deleted; when none is left, its finalizer goes too. */
function removeObjects(core: Core, crd: KubernetesObject): void {
  const name = crd.metadata.name ?? "";
  const [served] = core.kinds.customOf(name);
  const instances = `${stringAt(crd, "spec", "group") ?? ""}/${stringAt(crd, "spec", "names", "plural") ?? ""}`;
  const finish = (): boolean => {
    if (core.store.count(instances) > 0) return false;
    const definition = core.kinds.stored({ group: "apiextensions.k8s.io", kind: "CustomResourceDefinition" });
    const current = core.store.get(resource, "", name);
    if (definition === undefined || current?.metadata.finalizers?.includes(cleanup) !== true) return true;
    const finalizers = current.metadata.finalizers.filter((each) => each !== cleanup);
    storeChange(
      core,
      definition,
      { old: current, next: { ...current, metadata: { ...current.metadata, finalizers } } },
      { manager },
    );
    return true;
  };
  if (served !== undefined) {
    for (const { metadata } of core.store.list(instances)) {
      if (metadata.deletionTimestamp !== undefined) continue;
      deleteObject(core, served, { namespace: metadata.namespace ?? "", name: metadata.name ?? "" }, {});
    }
  }
  if (finish()) return;
  // Finalizers hold some of them: wait for the last.
  const end = core.store.subscribe(instances, () => {
    if (core.store.count(instances) > 0) return;
    end();
    setImmediate(finish);
  });
}
