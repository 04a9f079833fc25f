// What an application's objects are: its tree, each object's desired, live and predicted state. Secrets are
// masked in every answer. Names and semantics follow Argo CD's ApplicationService.
import { DriftlessError } from "#base/errors.ts";
import { Turns } from "#base/turns.ts";
import { Hosts } from "#controllers/application/tree/hosts.ts";
import type { Row } from "#controllers/application/comparison/table.ts";
import { nodesOf, resourceTree } from "#controllers/application/tree/tree.ts";
import type { ApplicationTree, ManagedResource, ResourceNode } from "#protocol/rest.ts";
import { maskSecrets } from "#core/compare/mask.ts";
import { displayKey, type KubernetesObject, type ObjectKey } from "#model/object.ts";
import type { ApplicationServiceDeps } from "../deps.ts";
import type { ApplicationQueries, AppRef } from "../queries.ts";

export class ApplicationResources {
  readonly #deps: Pick<ApplicationServiceDeps, "controller" | "clock">;
  readonly #queries: ApplicationQueries;
  readonly #hosts: Hosts;

  constructor(deps: Pick<ApplicationServiceDeps, "controller" | "clock">, queries: ApplicationQueries) {
    this.#deps = deps;
    this.#queries = queries;
    this.#hosts = new Hosts(deps.clock);
  }

  /** The application's objects and all that they own. */
  nodes(ref: AppRef): readonly ResourceNode[] {
    return resourceTree(this.#queries.state(ref)).nodes ?? [];
  }

  /** The one of them that is meant. Error: NOT_FOUND. */
  node(ref: AppRef, wanted: ObjectKey): ResourceNode {
    const found = this.nodes(ref).find(
      (node) =>
        node.kind === wanted.kind &&
        node.name === wanted.name &&
        (node.group ?? "") === wanted.group &&
        (node.namespace ?? "") === wanted.namespace,
    );
    if (!found) throw new DriftlessError("NOT_FOUND", `${displayKey(wanted)} is not part of application ${ref.name}`);
    return found;
  }

  /** All of them with orphans, where the project asks for them, and the nodes that pods run on. */
  tree(ref: AppRef): ApplicationTree {
    const state = this.#queries.state(ref);
    const orphans = this.#deps.controller.orphansOf(state);
    const { nodes = [] } = resourceTree(state);
    const hosts = state.cluster ? this.#hosts.of(state.cluster.cache, nodes) : [];
    return {
      nodes,
      ...(orphans.length > 0 ? { orphanedNodes: nodesOf(state, orphans) } : {}),
      ...(hosts.length > 0 ? { hosts } : {}),
    };
  }

  /** Desired, live and predicted state of each object, secrets masked. */
  async managedResources(
    ref: AppRef,
    filter: Partial<Record<"group" | "kind" | "namespace" | "name", string>>,
  ): Promise<readonly ManagedResource[]> {
    const rows = this.#queries
      .state(ref)
      .table.rows()
      .filter((row) =>
        (["group", "kind", "namespace", "name"] as const).every(
          (part) => !filter[part] || filter[part] === row.key[part],
        ),
      );
    const turns = new Turns(this.#deps.clock);
    const items: ManagedResource[] = [];
    for (const row of rows) {
      items.push(diffOf(row, this.#queries.maskedAnnotations));
      if (items.length % rowsBetweenLooks === 0) await turns.pause();
    }
    return items;
  }
}

/** So many are written before the clock is looked at. */
const rowsBetweenLooks = 50;

/** One row as the API answers it, secrets and these annotations of theirs masked. */
export function diffOf(row: Row, maskedAnnotations: readonly string[]): ManagedResource {
  const versions = {
    ...(row.desired ? { desired: row.desired.object } : {}),
    ...(row.live?.object ? { live: withoutManagers(row.live.object) } : {}),
    ...(row.predicted ? { predicted: withoutManagers(row.predicted) } : {}),
  };
  const masked: Partial<Record<"desired" | "live" | "predicted", KubernetesObject>> = maskSecrets(
    versions,
    maskedAnnotations,
  );
  const text = (object: KubernetesObject | undefined): string => (object ? JSON.stringify(object) : "null");
  const live = text(masked.live);
  const predicted = row.desired ? (masked.predicted ?? masked.live ?? masked.desired) : undefined;
  const { group, kind, namespace, name } = row.key;
  return {
    ...(group === "" ? {} : { group }),
    kind,
    ...(namespace === "" ? {} : { namespace }),
    name,
    targetState: text(masked.desired),
    liveState: live,
    normalizedLiveState: live,
    predictedLiveState: predicted !== undefined && predicted === masked.live ? live : text(predicted),
    ...(row.live ? { resourceVersion: row.live.resourceVersion } : {}),
    ...(row.sync === "OutOfSync" ? { modified: true } : {}),
    ...(row.isHook ? { hook: true } : {}),
  };
}

/** Live objects keep what comparing needs of managedFields; nobody asks for half of them. */
export function withoutManagers(object: KubernetesObject): KubernetesObject {
  const { managedFields, ...metadata } = object.metadata;
  return managedFields === undefined ? object : { ...object, metadata };
}
