// `driftless proj role list`.
import { command } from "../../../command.ts";
import { text } from "../../../flags.ts";
import { rolesOf } from "../../../server/project-change.ts";
import { projects } from "../../../server/services.ts";
import { checkOutput, document } from "../../../view/print.ts";
import { oneLine, table } from "../../../view/table.ts";

export default command({
  usage: "PROJECT",
  examples: [["The roles of a project", "driftless proj role list payments"]],
  flags: { output: text("Output format: wide, name, json, yaml", { short: "o", fallback: "wide" }) },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "name", "json", "yaml"]);
    const roles = rolesOf((await projects.get(context.op, await context.api(), args[0]!)).spec);
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(roles, values.output));
    else if (values.output === "name") for (const { name } of roles) context.out.line(name);
    else {
      const rows = roles.map(({ name, description = "" }) => [name, oneLine(description)]);
      context.out.write(table([["ROLE-NAME", "DESCRIPTION"], ...rows]));
    }
  },
});
