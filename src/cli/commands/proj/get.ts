// `driftless proj get`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { projects } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { projectDetails } from "../../view/project.ts";

export default command({
  usage: "PROJECT",
  examples: [
    ["What a project permits", "driftless proj get payments"],
    ["As YAML", "driftless proj get payments -o yaml"],
  ],
  flags: { output: text("Output format: wide, json, yaml", { short: "o", fallback: "wide" }) },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "json", "yaml"]);
    const detailed = await projects.detailed(context.op, await context.api(), args[0]!);
    if (values.output === "json" || values.output === "yaml")
      context.out.write(await document(detailed.project, values.output));
    else context.out.write(projectDetails(detailed));
  },
});
