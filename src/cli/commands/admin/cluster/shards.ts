// `driftless admin cluster shards`: how many objects each controller looks after.
import { onCluster } from "../../../admin/target.ts";
import { command } from "../../../command.ts";
import { table } from "../../../view/table.ts";
import { distribution, distributionFlags, resourcesOf } from "./distribution.ts";

export default command({
  about: "Counts the objects of applications. There is one controller, shard 0.",
  examples: [["Of the installation in argocd", "driftless admin cluster shards -n argocd"]],
  flags: distributionFlags,
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    const clusters = await onCluster(context, values, (target) => distribution(context, target, values));
    if (clusters.length === 0) return;
    const count = resourcesOf(clusters.flatMap(({ applications }) => applications));
    context.out.write(
      table([
        ["SHARD", "RESOURCES COUNT"],
        ["0", `${count} (100%)`],
      ]),
    );
  },
});
