// How much each cluster, and each controller, has to look after: the flags and the reading that `admin cluster stats` and
// `admin cluster shards` share. There is no Redis and there are no shards: one controller looks after every cluster.
import type { Application } from "#model/application.ts";
import { usedClusters, type UsedCluster } from "../../../admin/clusters.ts";
import { targetFlags } from "../../../admin/flags.ts";
import type { AdminTarget } from "../../../admin/target.ts";
import type { Context } from "../../../context.ts";
import { bool, duration, int, text, texts, type FlagValues, type Flags } from "../../../flags.ts";

export const distributionFlags = {
  ...targetFlags,
  shard: int("Only clusters of this shard; all unless told", { fallback: -1 }),
  replicas: int("Accepted: there is one controller", { hidden: true }),
  "sharding-method": text("Accepted: there is one controller", { hidden: true }),
  "app-state-cache-expiration": duration("Accepted: there is no Redis", { hidden: true, fallback: 3_600_000 }),
  "default-cache-expiration": duration("Accepted: there is no Redis", { hidden: true, fallback: 86_400_000 }),
  "port-forward-redis": bool("Accepted: there is no Redis", { hidden: true, fallback: true }),
  redis: text("Accepted: there is no Redis", { hidden: true }),
  "redis-ca-certificate": text("Accepted: there is no Redis", { hidden: true }),
  "redis-client-certificate": text("Accepted: there is no Redis", { hidden: true }),
  "redis-client-key": text("Accepted: there is no Redis", { hidden: true }),
  "redis-insecure-skip-tls-verify": bool("Accepted: there is no Redis", { hidden: true }),
  "redis-use-tls": bool("Accepted: there is no Redis", { hidden: true }),
  redisdb: int("Accepted: there is no Redis", { hidden: true }),
  sentinel: texts("Accepted: there is no Redis", { hidden: true }),
  sentinelmaster: text("Accepted: there is no Redis", { hidden: true }),
} as const satisfies Flags;

/** The clusters of the shard that is asked for. Says where more controllers are asked for than there are. */
export async function distribution(
  context: Context,
  target: AdminTarget,
  values: FlagValues<typeof distributionFlags>,
): Promise<readonly UsedCluster[]> {
  if (values.replicas > 1 || values["sharding-method"] !== "")
    context.err.line("clusters are not divided: one controller looks after all of them, as shard 0");
  return values.shard > 0 ? [] : usedClusters(context.op, target);
}

/** Objects that belong to applications. */
export const resourcesOf = (applications: readonly Application[]): number =>
  applications.reduce((sum, { status }) => sum + (status?.resources?.length ?? 0), 0);
