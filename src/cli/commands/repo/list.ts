// `driftless repo list`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { repositories } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { refreshes, repositoryTable } from "./repository-table.ts";

export default command({
  examples: [
    ["All repositories", "driftless repo list"],
    ["Their addresses", "driftless repo list -o url"],
    ["Try each of them now", "driftless repo list --refresh hard"],
  ],
  flags: {
    output: text("Output format: wide, url, json, yaml", { short: "o", fallback: "wide" }),
    refresh: text("hard: try each of them now"),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "url", "json", "yaml"]);
    const items = await repositories.list(context.op, await context.api(), refreshes(values.refresh));
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(items, values.output));
    else if (values.output === "url") for (const { repo } of items) context.out.line(repo);
    else context.out.write(repositoryTable(items));
  },
});
