// `driftless repo get`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { repositories } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { refreshes, repositoryTable } from "./repository-table.ts";

export default command({
  usage: "REPO",
  examples: [["One repository", "driftless repo get https://git.example.com/deploy.git"]],
  flags: {
    output: text("Output format: wide, url, json, yaml", { short: "o", fallback: "wide" }),
    project: text("Project that the repository belongs to"),
    refresh: text("hard: try it now"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "url", "json", "yaml"]);
    const query = { appProject: values.project, forceRefresh: refreshes(values.refresh) };
    const item = await repositories.get(context.op, await context.api(), args[0]!, query);
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(item, values.output));
    else if (values.output === "url") context.out.line(item.repo);
    else context.out.write(repositoryTable([item]));
  },
});
