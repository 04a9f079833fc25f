// ResourceQuotas' status: what is used, counted simply. Nothing is refused for it. Source: Kubernetes, "Resource Quotas".
import type { KubernetesObject } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { keyFor, splitKey } from "./support/controller.ts";
import { deleting, kinds, writeStatus, type Pod } from "./support/objects.ts";
import { isFinished } from "./support/pods.ts";
import { formatQuantity, parseQuantity } from "./support/quantity.ts";

interface Quota extends KubernetesObject {
  readonly spec: { readonly hard?: Readonly<Record<string, string>> };
}

/** Changes are gathered for so long before they are counted. */
const gatherMs = 500;
const name = "resourcequota-controller";

export function quotaController(context: Context): Controller {
  const byNamespace = new Map<string, Set<string>>();
  return {
    name,
    watches: [
      {
        kind: kinds.resourceQuota,
        keys: ({ type, object }) => {
          const namespace = object.metadata.namespace ?? "";
          const quotas = byNamespace.get(namespace) ?? new Set();
          if (type === "DELETED") quotas.delete(keyFor(object));
          else quotas.add(keyFor(object));
          if (quotas.size === 0) byNamespace.delete(namespace);
          else byNamespace.set(namespace, quotas);
          return [keyFor(object)];
        },
      },
      {
        kind: "all",
        keys: ({ type, object, old }) => {
          const quotas = byNamespace.get(object.metadata.namespace ?? "");
          if (quotas === undefined) return [];
          const ended =
            object.kind === "Pod" && old !== undefined && isFinished(object as Pod) !== isFinished(old as Pod);
          if (type === "MODIFIED" && !ended) return [];
          for (const key of quotas) context.enqueue(name, key, gatherMs);
          return [];
        },
      },
    ],
    reconcile: (key) => {
      const [namespace, quotaName] = splitKey(key);
      const quota = context.client.get(kinds.resourceQuota, namespace, quotaName) as Quota | undefined;
      if (quota === undefined || deleting(quota)) return undefined;
      const hard = quota.spec.hard ?? {};
      const used: Record<string, string> = {};
      for (const resource of Object.keys(hard)) used[resource] = usage(context, namespace, resource);
      writeStatus(context, quota, { hard, used });
      return undefined;
    },
  };
}

function usage(context: Context, namespace: string, resource: string): string {
  const [first = "", second] = resource.split(".", 2);
  if (first === "requests" || first === "limits" || resource === "cpu" || resource === "memory") {
    return compute(context, namespace, first === "limits" ? "limits" : "requests", second ?? resource);
  }
  const counted = resource.startsWith("count/") ? resource.slice("count/".length) : resource;
  const dot = counted.indexOf(".");
  const [plural, group] = dot < 0 ? [counted, ""] : [counted.slice(0, dot), counted.slice(dot + 1)];
  const definition = context.client.kinds().find((each) => each.plural === plural && each.group === group);
  if (definition === undefined) return "0";
  const objects = context.client.list(definition, namespace);
  const isPods = resource === "pods";
  return String(isPods ? objects.filter((pod) => !isFinished(pod as Pod)).length : objects.length);
}

function compute(context: Context, namespace: string, part: "requests" | "limits", what: string): string {
  let sum = 0;
  let sample = "0";
  const add = (text: string | undefined): void => {
    if (text === undefined) return;
    sum += parseQuantity(text);
    sample = text;
  };
  if (what === "storage") {
    for (const claim of context.client.list(kinds.persistentVolumeClaim, namespace)) {
      add(
        (claim as { spec?: { resources?: { requests?: Record<string, string> } } }).spec?.resources?.requests?.[
          "storage"
        ],
      );
    }
  } else {
    for (const pod of context.client.list(kinds.pod, namespace) as readonly Pod[]) {
      if (isFinished(pod)) continue;
      for (const { resources } of pod.spec.containers) add(resources?.[part]?.[what]);
    }
  }
  return formatQuantity(sum, sample);
}
