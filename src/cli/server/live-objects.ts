// Live objects of an application by hand: which ones flags mean, reading, patching and deleting them. One REST request each.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { keyOf, type KubernetesObject } from "#model/object.ts";
import type { ManagedResource } from "#protocol/rest.ts";
import type { ActionTarget, ApiClient, AppRef } from "./api.ts";
import { bool, text, type Flags } from "../flags.ts";

export const liveObjectFlags = {
  group: text("Group of the resource"),
  kind: text("Kind of the resource", { required: true }),
  namespace: text("Namespace of the resource"),
  "resource-name": text("Name of the resource"),
  project: text("Project of the application"),
  "app-namespace": text("Namespace of the application", { short: "N" }),
  all: bool("Each of several matching resources"),
} as const satisfies Flags;

export interface Wanted {
  /** Undefined: any; "" is the core group. */
  readonly group?: string;
  readonly kind: string;
  readonly namespace: string;
  readonly "resource-name": string;
  readonly all: boolean;
}

const path = (ref: AppRef): string => `/api/v1/applications/${encodeURIComponent(ref.name)}/resource`;

const scope = ({ appNamespace, project }: AppRef): { appNamespace?: string; project?: string } => ({
  ...(appNamespace ? { appNamespace } : {}),
  ...(project ? { project } : {}),
});

/** The object as the cluster has it now, secrets masked. */
export async function readObject(
  op: Operation,
  api: ApiClient,
  ref: AppRef,
  target: ActionTarget,
): Promise<KubernetesObject> {
  const answer = await api.send(op, "GET", path(ref), { query: { ...scope(ref), ...target } });
  const manifest = isObject(answer) ? answer["manifest"] : undefined;
  return JSON.parse(typeof manifest === "string" ? manifest : "{}") as KubernetesObject;
}

/** Patches the object; `patchType` is the content type of the patch. */
export async function patchObject(
  op: Operation,
  api: ApiClient,
  what: { readonly ref: AppRef; readonly target: ActionTarget; readonly patch: string; readonly patchType: string },
): Promise<void> {
  const { ref, target, patch, patchType } = what;
  await api.send(op, "POST", path(ref), { query: { ...scope(ref), ...target, patchType }, body: patch });
}

export async function deleteObject(
  op: Operation,
  api: ApiClient,
  what: { readonly ref: AppRef; readonly target: ActionTarget; readonly force: boolean; readonly orphan: boolean },
): Promise<void> {
  const { ref, target, force, orphan } = what;
  await api.send(op, "DELETE", path(ref), { query: { ...scope(ref), ...target, force, orphan } });
}

/** The application's own live objects that the flags mean. Errors: NOT_FOUND for none, INVALID_ARGUMENT for several without `all`. */
export function matching(resources: readonly ManagedResource[], wanted: Wanted): readonly ActionTarget[] {
  const name = wanted["resource-name"];
  const found = resources.flatMap((item) => {
    const target = liveTarget(item);
    const matches =
      target !== undefined &&
      (wanted.group === undefined || wanted.group === target.group) &&
      (wanted.kind === "" || wanted.kind === target.kind) &&
      (wanted.namespace === "" || wanted.namespace === target.namespace) &&
      (name === "" || name === target.resourceName);
    return matches ? [target] : [];
  });
  if (found.length === 0) throw new DriftlessError("NOT_FOUND", "no matching resource found");
  if (found.length > 1 && !wanted.all)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `${found.length} resources match: narrow it down with --group, --namespace and --resource-name, or use --all`,
    );
  return found;
}

function liveTarget({ liveState }: ManagedResource): ActionTarget | undefined {
  const live = liveState ? (JSON.parse(liveState) as KubernetesObject | null) : null;
  if (!live) return undefined;
  const { group, kind, namespace, name } = keyOf(live);
  return { group, version: live.apiVersion.split("/").at(-1)!, kind, namespace, resourceName: name };
}

interface Branches {
  readonly [field: string]: Branches;
}

/**
 * The object with these fields alone, and its name. A field is written `spec.containers.image`; in a list it is taken of
 * each item. Fields that are not there are left out.
 */
export function onlyFields(object: KubernetesObject, fields: readonly string[]): KubernetesObject {
  const wanted: Record<string, object> = {};
  for (const field of ["metadata.name", ...fields]) {
    let branch = wanted;
    for (const step of field.split(".")) branch = branch[step] = { ...branch[step] } as Record<string, object>;
  }
  return (picked(object, wanted as Branches) ?? {}) as KubernetesObject;
}

function picked(value: unknown, wanted: Branches): unknown {
  if (Object.keys(wanted).length === 0) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => picked(item, wanted)).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (!isObject(value)) return undefined;
  const found = Object.entries(wanted).flatMap(([field, rest]) => {
    const part = field in value ? picked(value[field], rest) : undefined;
    return part === undefined ? [] : [[field, part] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** Each value with the path of its field: `spec.ports[0].port`, 80. */
export function flattened(value: unknown, at = ""): readonly (readonly [field: string, value: string])[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => flattened(item, `${at}[${index}]`));
  if (isObject(value))
    return Object.keys(value)
      .sort()
      .flatMap((key) => flattened(value[key], at === "" ? key : `${at}.${key}`));
  return [[at, typeof value === "string" ? value : value === null ? "<nil>" : JSON.stringify(value)]];
}
