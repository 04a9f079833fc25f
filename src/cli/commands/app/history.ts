// `driftless app history`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { historyTable } from "../../view/application.ts";
import { checkOutput, document } from "../../view/print.ts";

export default command({
  usage: "APPNAME",
  examples: [
    ["Deployments with date and revision", "driftless app history my-app"],
    ["Only their ids", "driftless app history my-app -o id"],
  ],
  flags: {
    output: text("Output format: wide, id, json, yaml", { short: "o", fallback: "wide" }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "id", "json", "yaml"]);
    const api = await context.api();
    const app = await api.applications.get(context.op, parseName(args[0]!, values["app-namespace"]));
    const history = app.status?.history ?? [];
    if (values.output === "id") context.out.write(history.map((item) => `${item.id}\n`).join(""));
    else if (values.output === "json" || values.output === "yaml")
      context.out.write(await document(history, values.output));
    else context.out.write(historyTable(history));
  },
});
