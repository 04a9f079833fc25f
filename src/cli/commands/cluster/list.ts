// `driftless cluster list`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { clusters } from "../../server/services.ts";
import { clusterTable } from "../../view/cluster.ts";
import { checkOutput, document } from "../../view/print.ts";

export default command({
  examples: [
    ["All clusters", "driftless cluster list"],
    ["Their addresses", "driftless cluster list -o server"],
  ],
  flags: { output: text("Output format: wide, server, json, yaml", { short: "o", fallback: "wide" }) },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "server", "json", "yaml"]);
    const items = await clusters.list(context.op, await context.api());
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(items, values.output));
    else if (values.output === "server") for (const { server } of items) context.out.line(server);
    else context.out.write(clusterTable(items));
  },
});
