// `driftless cluster get`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { clusters } from "../../server/services.ts";
import { clusterDetails } from "../../view/cluster.ts";
import { checkOutput, document } from "../../view/print.ts";

export default command({
  usage: "SERVER/NAME...",
  examples: [
    ["By address", "driftless cluster get https://kubernetes.default.svc"],
    ["By name, for people", "driftless cluster get in-cluster -o wide"],
  ],
  flags: { output: text("Output format: yaml, json, wide, server", { short: "o", fallback: "yaml" }) },
  args: { min: 1, max: Infinity },
  async run(context, { values, args }) {
    checkOutput(values.output, ["yaml", "json", "wide", "server"]);
    const api = await context.api();
    const found = [];
    for (const selector of args) found.push(await clusters.get(context.op, api, selector));
    if (values.output === "json" || values.output === "yaml")
      context.out.write(await document(found.length === 1 ? found[0] : found, values.output));
    else if (values.output === "server") for (const { server } of found) context.out.line(server);
    else context.out.write(found.map(clusterDetails).join(""));
  },
});
