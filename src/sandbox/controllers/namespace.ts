// Namespaces: active until deleted; then everything in them goes, pods first, and at last the namespace itself.
// Source: Kubernetes, "Namespaces", and KEP-5080 (ordered namespace deletion).
import { keyOf, type KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition } from "../contract.ts";
import type { Context, Controller } from "./support/controller.ts";
import { itself, splitKey } from "./support/controller.ts";
import { deleting, kinds, nowText, withCondition, writeStatus, type Condition } from "./support/objects.ts";

interface Namespace extends KubernetesObject {
  readonly kind: "Namespace";
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly Condition[] };
}

export function namespaceController(context: Context): Controller {
  const terminating = new Set<string>();
  return {
    name: "namespace-controller",
    watches: [
      itself(kinds.namespace),
      {
        // What leaves a namespace that is on its way out brings its end nearer; what still enters must go too.
        kind: "all",
        keys: ({ object }) => {
          const namespace = object.metadata.namespace ?? "";
          return terminating.has(namespace) ? [`/${namespace}`] : [];
        },
      },
    ],
    reconcile: (key) => {
      const [, name] = splitKey(key);
      const namespace = context.client.get(kinds.namespace, "", name) as Namespace | undefined;
      if (namespace === undefined || !deleting(namespace)) {
        terminating.delete(name);
        if (namespace !== undefined && namespace.status?.phase === undefined) {
          writeStatus(context, namespace, { ...namespace.status, phase: "Active" });
        }
        return undefined;
      }
      terminating.add(name);
      terminate(context, namespace);
      return undefined;
    },
  };
}

function terminate(context: Context, namespace: Namespace): void {
  const name = namespace.metadata.name ?? "";
  let left = contents(context, name);
  const pods = left.filter(({ definition }) => definition.group === "" && definition.kind === "Pod");
  for (const { definition, objects } of pods.length > 0 ? pods : left) {
    for (const object of objects) {
      if (deleting(object)) continue;
      // The definition's group, not the object's: they agree, and a defect must not reach into another namespace.
      const key = { ...keyOf(object), group: definition.group, kind: definition.kind, namespace: name };
      context.client.delete(key, { propagationPolicy: "Background" });
    }
  }
  left = contents(context, name);
  const present = context.client.get(kinds.namespace, "", name) as Namespace | undefined;
  if (present === undefined) return;
  if (left.length === 0) {
    const kubernetes = present.spec?.finalizers === undefined || present.spec.finalizers.includes("kubernetes");
    if (kubernetes) context.client.finalizeNamespace(name);
    return;
  }
  writeStatus(context, present, {
    ...present.status,
    phase: "Terminating",
    conditions: conditions(present, left, nowText(context)),
  });
}

interface Contents {
  readonly definition: ResourceDefinition;
  readonly objects: readonly KubernetesObject[];
}

function contents(context: Context, namespace: string): Contents[] {
  const found: Contents[] = [];
  for (const definition of context.client.kinds()) {
    if (!definition.namespaced || !definition.verbs.includes("delete")) continue;
    const objects = context.client.list(definition, namespace);
    if (objects.length > 0) found.push({ definition, objects });
  }
  return found;
}

function conditions(namespace: Namespace, left: readonly Contents[], now: string): readonly Condition[] {
  const remaining = left
    .map(({ definition, objects }) => `${resourceName(definition)} has ${objects.length} resource instances`)
    .sort();
  const byFinalizer = new Map<string, number>();
  for (const { objects } of left) {
    for (const { metadata } of objects) {
      for (const finalizer of metadata.finalizers ?? [])
        byFinalizer.set(finalizer, (byFinalizer.get(finalizer) ?? 0) + 1);
    }
  }
  const held = [...byFinalizer].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).sort();
  const list: readonly Condition[] = [
    good("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    good(
      "NamespaceDeletionGroupVersionParsingFailure",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    good(
      "NamespaceDeletionContentFailure",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
    {
      type: "NamespaceContentRemaining",
      status: "True",
      reason: "SomeResourcesRemain",
      message: `Some resources are remaining: ${remaining.join(", ")}`,
    },
    held.length === 0
      ? good("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished")
      : {
          type: "NamespaceFinalizersRemaining",
          status: "True",
          reason: "SomeFinalizersRemain",
          message: `Some content in the namespace has finalizers remaining: ${held.join(", ")}`,
        },
  ];
  const before = namespace.status?.conditions;
  return list.map(
    (each) =>
      withCondition(
        before?.filter(({ type }) => type === each.type),
        each,
        now,
      )[0] ?? each,
  );
}

function good(type: string, reason: string, message: string): Condition {
  return { type, status: "False", reason, message };
}

function resourceName({ group, plural }: ResourceDefinition): string {
  return group === "" ? `${plural}.` : `${plural}.${group}`;
}
