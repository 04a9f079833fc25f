// `driftless appset list`.
import { command } from "../../command.ts";
import { text, texts } from "../../flags.ts";
import { applicationSets } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { applicationSetTable, qualifiedName } from "./application-sets.ts";

export default command({
  examples: [["All ApplicationSets", "driftless appset list"]],
  flags: {
    output: text("Output format: wide, name, json, yaml", { short: "o", fallback: "wide" }),
    selector: text("Only those with these labels", { short: "l" }),
    project: texts("Only those of this project; may be repeated", { short: "p" }),
    "appset-namespace": text("Only those in this namespace", { short: "N" }),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "name", "json", "yaml"]);
    const items = await applicationSets.list(context.op, await context.api(), {
      selector: values.selector,
      projects: values.project,
      appsetNamespace: values["appset-namespace"],
    });
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(items, values.output));
    else if (values.output === "name") for (const item of items) context.out.line(qualifiedName(item));
    else context.out.write(applicationSetTable(items));
  },
});
