// `driftless cluster rm`: forgets a cluster. Its service account goes too, where a context of the kubeconfig has the
// cluster's name and address; on any doubt it stays, and that is said.
import { toError } from "#base/errors.ts";
import { askerFor } from "../../asking.ts";
import { uninstallManager } from "../../kube/cluster-manager.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool } from "../../flags.ts";
import { kubeTarget } from "../../kube/kube-connection.ts";
import { clusters, type Cluster } from "../../server/services.ts";

export default command({
  usage: "SERVER/NAME...",
  examples: [["By name", "driftless cluster rm production"]],
  flags: { yes: bool("Do not ask", { short: "y" }) },
  args: { min: 1, max: Infinity },
  async run(context, { values, args }) {
    const api = await context.api();
    const asked = askerFor(context, { skip: values.yes, several: args.length > 1 });
    for (const selector of args) {
      const cluster = await clusters.get(context.op, api, selector);
      const question = `Are you sure you want to remove '${selector}'? Any Apps deploying to this cluster will go to health status Unknown.`;
      const many = `${question}[y/n/A] where 'A' is to remove all specified clusters without prompting.`;
      if (!(await asked({ one: `${question}[y/n]`, many }))) {
        context.out.line(`The command to remove '${selector}' was cancelled.`);
        continue;
      }
      await clusters.remove(context.op, api, selector);
      context.out.line(`Cluster '${selector}' removed`);
      const kubeconfig = (values as { kubeconfig?: string }).kubeconfig ?? "";
      await removeAccount(context, cluster, kubeconfig);
    }
  },
});

async function removeAccount(context: Context, { name = "", server }: Cluster, kubeconfig: string): Promise<void> {
  const stays = (why: string): void =>
    context.err.line(`driftless: what cluster add made on the cluster, if anything, stays there: ${why}`);
  try {
    const { client, connection } = await kubeTarget(context, { name, kubeconfig });
    try {
      if (connection.server.replace(/\/+$/, "") !== server.replace(/\/+$/, "")) {
        stays(`the context ${name} of the kubeconfig is another cluster, ${connection.server}`);
        return;
      }
      await uninstallManager(context.op, { client, namespace: "kube-system" }, (step) => context.err.line(step));
    } finally {
      await client.close();
    }
  } catch (thrown) {
    stays(toError(thrown).message);
  }
}
