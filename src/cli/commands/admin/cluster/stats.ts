// `driftless admin cluster stats`: each cluster, whether it answers, and what applications have there.
import { toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { KubeClient } from "#kube/types.ts";
import { clusterCalled, type UsedCluster } from "../../../admin/clusters.ts";
import { clientOptions, onCluster, type AdminTarget } from "../../../admin/target.ts";
import { command } from "../../../command.ts";
import type { Context } from "../../../context.ts";
import { table } from "../../../view/table.ts";
import { distribution, distributionFlags, resourcesOf } from "./distribution.ts";

const answersWithinMs = 10_000;

export default command({
  usage: "[CLUSTER]",
  about: "Asks each cluster from here, with the server's credentials. Counts the objects of applications.",
  examples: [
    ["All", "driftless admin cluster stats -n argocd"],
    ["One, by name or address", "driftless admin cluster stats production -n argocd"],
  ],
  flags: distributionFlags,
  args: { min: 0, max: 1 },
  async run(context, { values, args }) {
    const rows = await onCluster(context, values, async (target) => {
      const all = await distribution(context, target, values);
      const chosen = args[0] === undefined ? all : [clusterCalled(all, args[0])];
      return Promise.all(
        chosen.map(async (cluster) => [
          cluster.spec.server,
          "0",
          await connectionTo(context, target, cluster),
          String(cluster.namespaces.length),
          String(cluster.applications.length),
          String(resourcesOf(cluster.applications)),
        ]),
      );
    });
    const head = ["SERVER", "SHARD", "CONNECTION", "NAMESPACES COUNT", "APPS COUNT", "RESOURCES COUNT"];
    context.out.write(table([head, ...rows]));
  },
});

async function connectionTo(context: Context, target: AdminTarget, cluster: UsedCluster): Promise<string> {
  const { clientFromClusterSecret } = await import("#kube/credentials.ts");
  let client: KubeClient | undefined;
  try {
    const options = { ...clientOptions(context), environment: context.env };
    if (cluster.secret) client = clientFromClusterSecret(cluster.spec, options);
    const op: Operation = {
      ...context.op,
      signal: AbortSignal.any([context.op.signal, AbortSignal.timeout(answersWithinMs)]),
    };
    await (client ?? target.client).version(op);
    return "Successful";
  } catch (thrown) {
    context.op.signal.throwIfAborted();
    context.err.line(`${cluster.spec.server}: ${toError(thrown).message}`);
    return "Failed";
  } finally {
    await client?.close();
  }
}
