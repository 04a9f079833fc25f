// `driftless admin cluster namespaces enable-namespaced-mode` and `disable-namespaced-mode`: whether the server looks after a
// few namespaces of a cluster, or all of it. Only shows what it would do, unless told.
import type { Operation } from "#base/operation.ts";
import { glob } from "#core/policy/glob.ts";
import { usedClusters, type UsedCluster } from "../../../../admin/clusters.ts";
import { targetFlags } from "../../../../admin/flags.ts";
import type { AdminSecrets } from "../../../../admin/means.ts";
import { onCluster, types, type AdminTarget } from "../../../../admin/target.ts";
import { command } from "../../../../command.ts";
import { bool, int } from "../../../../flags.ts";

const dryRun = bool("Show what would be done", { fallback: true });
const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

export const enable = command({
  usage: "PATTERN",
  about:
    "Of clusters whose address fits PATTERN and whose applications use at most --max-namespace-count namespaces, only those are managed.",
  examples: [
    [
      "All with at most ten",
      "driftless admin cluster namespaces enable-namespaced-mode '*' --max-namespace-count 10 --dry-run=false -n argocd",
    ],
  ],
  flags: {
    ...targetFlags,
    "dry-run": dryRun,
    "cluster-resources": bool("Objects without a namespace are managed, too"),
    "max-namespace-count": int("At most so many namespaces"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const fits = glob(args[0]!);
    const { clusterSecret } = await (await context.admin()).secrets();
    await onCluster(context, values, async (target) => {
      for (const cluster of await usedClusters(context.op, target)) {
        const { spec, namespaces } = cluster;
        if (namespaces.length === 0 || namespaces.length > values["max-namespace-count"] || !fits(spec.server))
          continue;
        context.out.write(`Setting cluster ${spec.server} namespaces to [${namespaces.join(" ")}]...`);
        const clusterResources = values["cluster-resources"];
        if (!values["dry-run"]) await restrict(context.op, target, { cluster, clusterResources, clusterSecret });
        context.out.line(values["dry-run"] ? "done (dry run)" : "done");
      }
    });
  },
});

export const disable = command({
  usage: "PATTERN",
  about: "Clusters whose address fits PATTERN are managed as a whole.",
  examples: [["All", "driftless admin cluster namespaces disable-namespaced-mode '*' --dry-run=false -n argocd"]],
  flags: { ...targetFlags, "dry-run": dryRun },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const fits = glob(args[0]!);
    await onCluster(context, values, async (target) => {
      for (const { spec, secret } of await usedClusters(context.op, target)) {
        if (spec.namespaces.length === 0 || !secret || !fits(spec.server)) continue;
        context.out.write(`Disabling namespaced mode for cluster ${spec.server}...`);
        const data = { namespaces: null, clusterResources: null };
        if (!values["dry-run"]) await patch(context.op, target, secret.metadata, data);
        context.out.line(values["dry-run"] ? "done (dry run)" : "done");
      }
    });
  },
});

interface Restriction {
  readonly cluster: UsedCluster;
  readonly clusterResources: boolean;
  readonly clusterSecret: AdminSecrets["clusterSecret"];
}

async function restrict(op: Operation, target: AdminTarget, restriction: Restriction): Promise<void> {
  const { cluster, clusterResources, clusterSecret } = restriction;
  const { spec, secret, namespaces } = cluster;
  if (secret) {
    const data = {
      namespaces: base64(namespaces.join(",")),
      clusterResources: clusterResources ? base64("true") : null,
    };
    await patch(op, target, secret.metadata, data);
    return;
  }
  const { server, name } = spec;
  const made = clusterSecret({ server, name, namespaces, clusterResources }, target.namespace);
  await target.client.create(op, types.secret, made, { fieldManager: "driftless" });
}

async function patch(
  op: Operation,
  { client, namespace }: AdminTarget,
  { name = "", resourceVersion }: { readonly name?: string; readonly resourceVersion?: string },
  data: Readonly<Record<string, string | null>>,
): Promise<void> {
  const body = { metadata: { resourceVersion }, data };
  await client.patch(op, types.secret, { namespace, name }, { type: "merge", body }, { fieldManager: "driftless" });
}
