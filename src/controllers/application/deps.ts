// What the application controller asks of the world, as interfaces. Wired in src/main; no logic here.
import type { DriftlessError } from "#base/errors.ts";
import type { Logger, Operation as Op } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import type { TrackingSettings } from "#core/track/track.ts";
import type { LiveCache } from "#kube/live.ts";
import type { KubeClient, ResourceType } from "#kube/types.ts";
import type { AppProject, ApplicationDestination } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Settings } from "#model/settings.ts";
import type { Evaluators } from "#render/engine/evaluate.ts";
import type { EventRecorder } from "#runtime/events.ts";
import type { Metrics } from "#runtime/metrics.ts";
import type { Sources } from "./desired/sources.ts";

/** A cluster that applications go to. */
export interface DestinationCluster {
  readonly server: string;
  readonly name: string;
  readonly client: KubeClient;
  readonly cache: LiveCache;
  /** Resolves once the live state is known; throws CLUSTER_UNREACHABLE. Shared by all who ask. */
  ready(op: Op): Promise<void>;
  /** A kind that the cluster serves, from what is known of it; undefined: it does not know it. */
  typeOf(kind: { readonly group: string; readonly version?: string; readonly kind: string }): ResourceType | undefined;
  /** Learns kinds and merge schemas of these objects where they are not known yet; then `typeOf` and `schemaOf` answer at once. */
  learnKinds(op: Op, objects: Iterable<KubernetesObject>): Promise<void>;
  schemaOf(object: KubernetesObject): TypeSchema | undefined;
  /** Whether the settings leave a kind out on this cluster: it is neither watched nor managed. Absent: none is. */
  excludes?(kind: { readonly group: string; readonly kind: string }): boolean;
}

export interface ClusterDirectory {
  /** The cluster that a destination names. Errors: CLUSTER_UNKNOWN, SPEC_INVALID (both or neither of server and name). */
  find(destination: ApplicationDestination): DestinationCluster | DriftlessError;
  /** Clusters whose live state is kept. */
  started(): Iterable<DestinationCluster>;
  /** Told when a cluster's cache was made: subscribe to its changes. */
  onStart(listener: (cluster: DestinationCluster) => void): () => void;
  /** Told when clusters were added, changed or removed. */
  onChange(listener: () => void): () => void;
}

export interface ApplicationControllerDeps {
  readonly op: Op;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly events: EventRecorder;
  /** The cluster on which Applications stand. */
  readonly control: KubeClient;
  /** The controller's own namespace: `argocd` unless told. */
  readonly namespace: string;
  readonly clusters: ClusterDirectory;
  /** Users' scripts and expressions (Lua, jq, …), run by the engine. Its calls fail with ENGINE_MISSING while it is not there. */
  readonly evaluators: Evaluators;
  settings(): Settings;
  tracking(): TrackingSettings;
  project(name: string): AppProject | undefined;
  sources(affected: ConstructorParameters<typeof Sources>[0]["affected"]): Sources;
}
