// Which kinds an API server has: aggregated discovery (two requests) where it has that, one request for each group
// version where not. Source: Kubernetes API concepts, "Aggregated discovery"; KEP-3352.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { Transport } from "./transport.ts";
import type { Discovery, ResourceType } from "./types.ts";

const aggregated =
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
  "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
const maxAgeMs = 10 * 60_000;
const leastAgeForMissMs = 1_000;

interface AggregatedResource {
  readonly resource: string;
  readonly responseKind?: { readonly group?: string; readonly version?: string; readonly kind?: string };
  readonly scope: "Namespaced" | "Cluster";
  readonly singularResource?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string }[];
}
interface AggregatedGroups {
  readonly kind?: string;
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly freshness?: string;
      readonly resources?: readonly AggregatedResource[];
    }[];
  }[];
}
interface LegacyResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}
interface LegacyGroup {
  readonly name: string;
  readonly versions: readonly { readonly version: string }[];
  readonly preferredVersion?: { readonly version: string };
}

interface Failure {
  readonly groupVersion: string;
  readonly message: string;
}

interface Found {
  /** Kinds in every version served; of each group the preferred version first. */
  readonly types: ResourceType[];
  readonly failures: Failure[];
}

interface Snapshot {
  readonly preferred: readonly ResourceType[];
  readonly byKind: ReadonlyMap<string, ResourceType>;
  readonly failures: readonly Failure[];
  readonly takenAtMs: number;
}

/** Discovery over one transport, cached for ten minutes or until invalidated. Concurrent questions share one answer. */
export function createDiscovery(transport: Transport, clock: Clock): Discovery {
  let snapshot: Snapshot | undefined;
  let pending: Promise<Snapshot> | undefined;
  let generation = 0;

  const refresh = (op: Operation): Promise<Snapshot> => {
    if (pending !== undefined) return pending;
    const asked = generation;
    const asking = read(transport, op, clock)
      .then((taken) => {
        if (asked === generation) snapshot = taken;
        return taken;
      })
      .finally(() => {
        if (asked === generation) pending = undefined;
      });
    pending = asking;
    return asking;
  };
  const current = (op: Operation): Snapshot | Promise<Snapshot> =>
    snapshot !== undefined && clock.monotonic() - snapshot.takenAtMs < maxAgeMs ? snapshot : refresh(op);

  return {
    async all(op) {
      return (await current(op)).preferred;
    },
    async find(op, kind) {
      const key = kindKey(kind.group, kind.version ?? "", kind.kind);
      const now = await current(op);
      const found = now.byKind.get(key);
      if (found !== undefined || clock.monotonic() - now.takenAtMs < leastAgeForMissMs) return found;
      return (await refresh(op)).byKind.get(key);
    },
    failures: () => snapshot?.failures ?? [],
    invalidate() {
      generation++;
      snapshot = undefined;
      pending = undefined;
    },
  };
}

function kindKey(group: string, version: string, kind: string): string {
  return `${group}/${version}/${kind}`;
}

async function read(transport: Transport, op: Operation, clock: Clock): Promise<Snapshot> {
  const takenAtMs = clock.monotonic();
  const [core, groups] = await Promise.all([readRoot(transport, op, "/api"), readRoot(transport, op, "/apis")]);
  const types = [...core.types, ...groups.types];
  const byKind = new Map<string, ResourceType>();
  const preferred: ResourceType[] = [];
  for (const type of types) {
    byKind.set(kindKey(type.group, type.version, type.kind), type);
    const any = kindKey(type.group, "", type.kind);
    if (byKind.has(any)) continue;
    byKind.set(any, type);
    preferred.push(type);
  }
  return { preferred, byKind, failures: [...core.failures, ...groups.failures], takenAtMs };
}

async function readRoot(transport: Transport, op: Operation, path: "/api" | "/apis"): Promise<Found> {
  const answer = await transport.request(op, {
    method: "GET",
    path,
    accept: aggregated,
    idempotent: true,
    compress: true,
  });
  const body = parse(answer.body, path) as AggregatedGroups & {
    readonly versions?: readonly string[];
    readonly groups?: readonly LegacyGroup[];
  };
  if (body.kind === "APIGroupDiscoveryList") return fromAggregated(body);
  const wanted =
    path === "/api"
      ? (body.versions ?? []).map((version) => ({ group: "", version }))
      : (body.groups ?? []).flatMap((group) =>
          preferredFirst(group).map((version) => ({ group: group.name, version })),
        );
  return readLegacy(transport, op, wanted);
}

function preferredFirst(group: LegacyGroup): string[] {
  const versions = group.versions.map(({ version }) => version);
  const preferred = group.preferredVersion?.version;
  return preferred === undefined ? versions : [preferred, ...versions.filter((version) => version !== preferred)];
}

function fromAggregated(body: AggregatedGroups): Found {
  const found: Found = { types: [], failures: [] };
  for (const item of body.items ?? []) {
    const group = item.metadata?.name ?? "";
    for (const { version, freshness, resources } of item.versions ?? []) {
      if (freshness === "Stale") {
        found.failures.push({
          groupVersion: group === "" ? version : `${group}/${version}`,
          message: "the API service that serves it does not answer",
        });
      }
      for (const resource of resources ?? []) {
        // Group and version of responseKind may differ from the place it is served from (`scale`); the place counts.
        const kind = resource.responseKind?.kind ?? "";
        if (kind === "") continue;
        found.types.push({
          group,
          version,
          kind,
          plural: resource.resource,
          singular: resource.singularResource || kind.toLowerCase(),
          shortNames: resource.shortNames ?? [],
          categories: resource.categories ?? [],
          namespaced: resource.scope === "Namespaced",
          verbs: resource.verbs ?? [],
          subresources: (resource.subresources ?? []).map(({ subresource }) => subresource),
        });
      }
    }
  }
  return found;
}

async function readLegacy(
  transport: Transport,
  op: Operation,
  wanted: readonly { group: string; version: string }[],
): Promise<Found> {
  const found: Found = { types: [], failures: [] };
  const answers = await Promise.all(
    wanted.map(async ({ group, version }) => {
      const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
      try {
        const answer = await transport.request(op, { method: "GET", path, idempotent: true });
        const body = parse(answer.body, path) as { readonly resources?: readonly LegacyResource[] };
        return { types: fromLegacy(group, version, body.resources ?? []) };
      } catch (thrown) {
        if (op.signal.aborted) throw thrown;
        const groupVersion = group === "" ? version : `${group}/${version}`;
        return { types: [], failure: { groupVersion, message: toError(thrown).message } };
      }
    }),
  );
  for (const { types, failure } of answers) {
    found.types.push(...types);
    if (failure !== undefined) found.failures.push(failure);
  }
  if (found.types.length === 0 && found.failures.length > 0) {
    throw new DriftlessError("CLUSTER_UNREACHABLE", `discovery: ${found.failures[0]?.message ?? ""}`);
  }
  return found;
}

function fromLegacy(group: string, version: string, resources: readonly LegacyResource[]): ResourceType[] {
  const subresources = new Map<string, string[]>();
  for (const { name } of resources) {
    const slash = name.indexOf("/");
    if (slash < 0) continue;
    const parent = name.slice(0, slash);
    subresources.set(parent, [...(subresources.get(parent) ?? []), name.slice(slash + 1)]);
  }
  return resources
    .filter(({ name }) => !name.includes("/"))
    .map((resource) => ({
      group,
      version,
      kind: resource.kind,
      plural: resource.name,
      singular: resource.singularName || resource.kind.toLowerCase(),
      shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [],
      namespaced: resource.namespaced,
      verbs: resource.verbs ?? [],
      subresources: subresources.get(resource.name) ?? [],
    }));
}

function parse(body: string, path: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (thrown) {
    throw new DriftlessError("CLUSTER_UNREACHABLE", `${path} did not answer with JSON`, { cause: thrown });
  }
}
