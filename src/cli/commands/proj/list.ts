// `driftless proj list`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { projects } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { projectTable } from "../../view/project.ts";

export default command({
  examples: [
    ["All projects", "driftless proj list"],
    ["Their names", "driftless proj list -o name"],
  ],
  flags: { output: text("Output format: wide, name, json, yaml", { short: "o", fallback: "wide" }) },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "name", "json", "yaml"]);
    const items = await projects.list(context.op, await context.api());
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(items, values.output));
    else if (values.output === "name") for (const { metadata } of items) context.out.line(metadata.name);
    else context.out.write(projectTable(items));
  },
});
