// From rendered objects to an application's desired state on its cluster: namespaces filled in, tracking added, kinds
// checked against the cluster and the project, duplicates and hooks told apart. Pure: everything comes as arguments.
import {
  displayKey,
  gvkOf,
  keyOf,
  keyText,
  parseApiVersion,
  parseKeyText,
  type KubernetesObject,
  type ObjectKey,
} from "#model/object.ts";
import { annotation } from "#model/names.ts";
import type { AppProject, ApplicationCondition, SourceType } from "#model/application.ts";
import { withTracking, type TrackingSettings } from "#core/track/track.ts";
import { whyForbidden } from "#core/policy/project.ts";
import type { RenderedSource } from "./sources.ts";

export interface DesiredObject {
  readonly key: ObjectKey;
  readonly text: string;
  readonly object: KubernetesObject;
  /** Changes exactly when the rendered object, its namespace or its tracking changes. */
  readonly hash: string;
  readonly file: string;
  readonly line: number;
  readonly isHook: boolean;
}

export interface Desired {
  readonly revisions: readonly string[];
  readonly sourceTypes: readonly SourceType[];
  /** Objects that are kept in the cluster, by key text. */
  readonly objects: ReadonlyMap<string, DesiredObject>;
  readonly hooks: readonly DesiredObject[];
  /** Odd, but no hindrance: repeated objects, files that hold none. */
  readonly conditions: readonly ApplicationCondition[];
  /** Objects whose kind the cluster does not know and that no CustomResourceDefinition of this application brings. */
  readonly unknownKinds: readonly DesiredObject[];
  /** Objects that the project forbids. */
  readonly forbidden: readonly { readonly object: DesiredObject; readonly reason: string }[];
}

export interface DesiredInput {
  readonly application: string;
  readonly rendered: readonly RenderedSource[];
  readonly destination: { readonly server: string; readonly name: string; readonly namespace: string };
  readonly tracking: TrackingSettings;
  readonly project: AppProject;
  /** Whether a kind is namespaced; undefined: the cluster does not know it. */
  /** Whether the settings leave a kind out. */
  readonly excludes?: (kind: { group: string; kind: string }) => boolean;
  readonly scopeOf: (kind: { group: string; version: string; kind: string }) => "namespaced" | "cluster" | undefined;
}

/** Takes what was rendered and where it goes; returns the desired state with everything that is wrong about it. */
export function desiredState(input: DesiredInput): Desired {
  const objects = new Map<string, DesiredObject>();
  const hooks: DesiredObject[] = [];
  const conditions: ApplicationCondition[] = [];
  const unknownKinds: DesiredObject[] = [];
  const forbidden: { object: DesiredObject; reason: string }[] = [];
  const crdScopes = scopesOfDefinitions(input.rendered);
  for (const { result } of input.rendered) {
    for (const { key, places } of result.duplicates) conditions.push(repeated(displayKey(parseKeyText(key)), places));
    for (const rendered of result.objects) {
      const gvk = gvkOf(rendered.object);
      if (input.excludes?.(gvk)) {
        conditions.push(excluded(rendered.object));
        continue;
      }
      const known = input.scopeOf(gvk);
      const scope = known ?? crdScopes.get(`${gvk.group}/${gvk.kind}`);
      const placed = place(rendered.object, scope, input.destination.namespace);
      const isHook = isHookObject(placed);
      const key = keyOf(placed);
      const generated =
        key.name === "" ? `${key.kind}:${placed.metadata.generateName ?? ""}:${rendered.file}:${rendered.line}` : "";
      const desired: DesiredObject = {
        key,
        text: keyText(key) + generated,
        object: withTracking(placed, input.application, input.tracking),
        hash: `${rendered.hash}:${key.namespace}`,
        file: rendered.file,
        line: rendered.line,
        isHook,
      };
      if (scope === undefined) unknownKinds.push(desired);
      else {
        const reason = whyForbidden(input.project, key, scope === "namespaced", {
          ...input.destination,
          namespace: key.namespace || input.destination.namespace,
        });
        if (reason !== undefined) forbidden.push({ object: desired, reason });
      }
      if (isHook) hooks.push(desired);
      else {
        const twin = objects.get(desired.text);
        if (twin) conditions.push(repeated(displayKey(key), [twin, desired]));
        objects.set(desired.text, desired);
      }
    }
  }
  return {
    revisions: input.rendered.map((source) => source.sha),
    sourceTypes: input.rendered.map((source) => source.result.sourceType),
    objects,
    hooks,
    conditions,
    unknownKinds,
    forbidden,
  };
}

/** Whether an object is a sync hook (by Argo CD's or Helm's annotation), other than Helm's crd-install and our Skip. */
export function isHookObject(object: KubernetesObject): boolean {
  const annotations = object.metadata.annotations;
  if (!annotations) return false;
  if (annotations[annotation.hook] !== undefined) return true;
  const helm = annotations[annotation.helmHook];
  return helm !== undefined && !helm.split(",").every((type) => type.trim() === "crd-install");
}

function excluded(object: KubernetesObject): ApplicationCondition {
  const { group } = gvkOf(object);
  return {
    type: "ExcludedResourceWarning",
    message: `Resource ${group}/${object.kind} ${object.metadata.name ?? ""} is excluded in the settings`,
  };
}

function repeated(
  name: string,
  places: readonly { readonly file: string; readonly line: number }[],
): ApplicationCondition {
  const where = places.map(({ file, line }) => `${file}:${line}`).join(", ");
  return {
    type: "RepeatedResourceWarning",
    message: `Resource ${name} appeared ${places.length} times among application resources (${where}); the last one is used.`,
  };
}

function place(
  object: KubernetesObject,
  scope: "namespaced" | "cluster" | undefined,
  namespace: string,
): KubernetesObject {
  const own = object.metadata.namespace;
  if (scope === "cluster") {
    if (own === undefined) return object;
    const { namespace: _dropped, ...metadata } = object.metadata;
    return { ...object, metadata };
  }
  if (own !== undefined && own !== "") return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** Scopes of the kinds that CustomResourceDefinitions among the rendered objects will bring. */
function scopesOfDefinitions(rendered: readonly RenderedSource[]): Map<string, "namespaced" | "cluster"> {
  const scopes = new Map<string, "namespaced" | "cluster">();
  for (const { result } of rendered) {
    for (const { object } of result.objects) {
      if (
        object.kind !== "CustomResourceDefinition" ||
        parseApiVersion(object.apiVersion).group !== "apiextensions.k8s.io"
      )
        continue;
      const spec = object["spec"] as { group?: string; names?: { kind?: string }; scope?: string } | undefined;
      if (spec?.group && spec.names?.kind)
        scopes.set(`${spec.group}/${spec.names.kind}`, spec.scope === "Namespaced" ? "namespaced" : "cluster");
    }
  }
  return scopes;
}
