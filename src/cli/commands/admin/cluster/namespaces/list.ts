// `driftless admin cluster namespaces`: which namespaces of each cluster applications use.
import { usedClusters } from "../../../../admin/clusters.ts";
import { targetFlags } from "../../../../admin/flags.ts";
import { onCluster } from "../../../../admin/target.ts";
import { command } from "../../../../command.ts";
import { table } from "../../../../view/table.ts";

export default command({
  about: "Where the objects of applications are, or are meant to go.",
  examples: [["Of the installation in argocd", "driftless admin cluster namespaces -n argocd"]],
  flags: targetFlags,
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    const rows = await onCluster(context, values, async (target) =>
      (await usedClusters(context.op, target)).map(({ spec, namespaces }) => [spec.server, shown(namespaces)]),
    );
    context.out.write(table([["CLUSTER", "NAMESPACES"], ...rows]));
  },
});

const shown = (names: readonly string[]): string =>
  names.length > 4 ? `${names.slice(0, 4).join(",")} (total ${names.length})` : names.join(",");
