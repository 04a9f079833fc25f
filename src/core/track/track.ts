// Which application owns an object: reading and writing the tracking annotation and label. Pure; called for every live
// object, so it allocates only for objects that carry a mark. Source: Argo CD's "Resource Tracking".
import { annotation } from "#model/names.ts";
import type { KubernetesObject, ObjectKey, ObjectMeta } from "#model/object.ts";
import { parseApiVersion } from "#model/object.ts";

export type TrackingMethod = "annotation" | "label" | "annotation+label";

export interface TrackingSettings {
  readonly method: TrackingMethod;
  /** `application.instanceLabelKey`. */
  readonly instanceLabelKey: string;
  /** `installationID`: several installations can manage one cluster, each sees only its own marks. */
  readonly installationId?: string;
  /** Applications in this namespace are named without their namespace. */
  readonly controllerNamespace: string;
}

/** What a tracking annotation says: which application put which object there. */
export interface TrackingId extends ObjectKey {
  /** As tracked: `name`, or `namespace_name` for an application outside the controller's namespace. */
  readonly application: string;
}

/** The longest value that Kubernetes accepts in a label. */
const maxLabelLength = 63;

/** `app:group/Kind:namespace/name`, as Argo CD writes it; undefined where the text has another form. */
export function parseTrackingId(text: string): TrackingId | undefined {
  const first = text.indexOf(":");
  if (first <= 0) return undefined;
  const second = text.indexOf(":", first + 1);
  if (second < 0) return undefined;
  const slash = text.indexOf("/", first + 1);
  // Names may hold colons (RBAC's do), so only the first slash after the second colon parts namespace and name.
  const rest = text.indexOf("/", second + 1);
  if (slash < 0 || slash > second || rest < 0) return undefined;
  return {
    application: text.slice(0, first),
    group: text.slice(first + 1, slash),
    kind: text.slice(slash + 1, second),
    namespace: text.slice(second + 1, rest),
    name: text.slice(rest + 1),
  };
}

/** Writes a tracking annotation's value. */
export function formatTrackingId(id: TrackingId): string {
  return `${id.application}:${id.group}/${id.kind}:${id.namespace}/${id.name}`;
}

/**
 * The application that owns an object, by its metadata: `name`, or `namespace/name` where it is outside the
 * controller's namespace; undefined where nobody does, another object owns it, the mark is another installation's, or
 * the annotation was copied from another object (it names another kind, namespace or name).
 */
export function ownerApplication(meta: ObjectMeta, key: ObjectKey, settings: TrackingSettings): string | undefined {
  // What another object owns came with that one, marks included, and goes with it.
  if (meta.ownerReferences !== undefined && meta.ownerReferences.length > 0) return undefined;
  if (settings.method === "label") {
    // Endpoints have their Service's labels and, unlike EndpointSlices, no reference to it.
    if (key.kind === "Endpoints" && key.group === "") return undefined;
    const owner = meta.labels?.[settings.instanceLabelKey];
    return owner === undefined || owner === "" ? undefined : untracked(owner);
  }
  const text = meta.annotations?.[annotation.trackingId];
  if (text === undefined) return undefined;
  if (settings.installationId && meta.annotations?.[annotation.installationId] !== settings.installationId) {
    return undefined;
  }
  const id = parseTrackingId(text);
  if (id === undefined || !names(id, key)) return undefined;
  return untracked(id.application);
}

/**
 * The object with the mark of its application (`name` or `namespace/name`): only metadata changes, the rest is shared.
 * Label values are cut to 63 characters (the label then only informs; ownership by label needs shorter names).
 */
export function withTracking(
  object: KubernetesObject,
  application: string,
  settings: TrackingSettings,
): KubernetesObject {
  const tracked = trackedName(application, settings);
  let { annotations, labels } = object.metadata;
  if (settings.method !== "label") {
    annotations = {
      ...annotations,
      [annotation.trackingId]: formatTrackingId({
        application: tracked,
        group: parseApiVersion(object.apiVersion).group,
        kind: object.kind,
        namespace: object.metadata.namespace ?? "",
        name: object.metadata.name ?? "",
      }),
      ...(settings.installationId ? { [annotation.installationId]: settings.installationId } : {}),
    };
  }
  if (settings.method !== "annotation") {
    labels = { ...labels, [settings.instanceLabelKey]: labelValue(tracked) };
  }
  return {
    ...object,
    metadata: { ...object.metadata, ...(annotations ? { annotations } : {}), ...(labels ? { labels } : {}) },
  };
}

/** How tracking names an application: `namespace_name`, or just `name` in the controller's namespace. */
export function trackedName(application: string, settings: TrackingSettings): string {
  const slash = application.indexOf("/");
  if (slash < 0) return application;
  const namespace = application.slice(0, slash);
  const name = application.slice(slash + 1);
  return namespace === settings.controllerNamespace ? name : `${namespace}_${name}`;
}

/** Why an application's name cannot be tracked with these settings; undefined where it can. */
export function trackingProblem(application: string, settings: TrackingSettings): string | undefined {
  if (settings.method !== "label") return undefined;
  const tracked = trackedName(application, settings);
  if (tracked.length <= maxLabelLength) return undefined;
  return `the name ${tracked} has ${tracked.length} characters, more than the ${maxLabelLength} that tracking by label allows`;
}

// Neither a namespace's nor an application's name can hold an underscore.
function untracked(tracked: string): string {
  const underscore = tracked.indexOf("_");
  return underscore < 0 ? tracked : `${tracked.slice(0, underscore)}/${tracked.slice(underscore + 1)}`;
}

function names(id: TrackingId, key: ObjectKey): boolean {
  return (
    id.kind === key.kind &&
    id.name === key.name &&
    // A cluster-scoped object's mark may name the destination's namespace: Argo CD fills it in before it knows better.
    (id.namespace === key.namespace || key.namespace === "") &&
    (id.group === key.group || sameKindElsewhere(id.group, key.group))
  );
}

// Kinds that one API server serves under two groups: the mark may have been written through either.
function sameKindElsewhere(a: string, b: string): boolean {
  const old = "extensions";
  return (
    (a === old && (b === "apps" || b === "networking.k8s.io")) ||
    (b === old && (a === "apps" || a === "networking.k8s.io"))
  );
}

function labelValue(value: string): string {
  if (value.length <= maxLabelLength) return value;
  return value.slice(0, maxLabelLength).replace(/[^A-Za-z0-9]+$/, "");
}
