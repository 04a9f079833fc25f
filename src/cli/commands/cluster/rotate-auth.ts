// `driftless cluster rotate-auth`.
import { command } from "../../command.ts";
import { clusters } from "../../server/services.ts";

export default command({
  usage: "SERVER/NAME",
  about: "The server makes another token for the cluster's service account, and removes the one before when it works.",
  examples: [["By name", "driftless cluster rotate-auth production"]],
  flags: {},
  args: { min: 1, max: 1 },
  async run(context, { args }) {
    await clusters.rotate(context.op, await context.api(), args[0]!);
    context.out.line(`Cluster '${args[0]}' rotated auth`);
  },
});
