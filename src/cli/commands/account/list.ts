// `driftless account list`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { accounts } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { table } from "../../view/table.ts";

export default command({
  examples: [
    ["All local accounts", "driftless account list"],
    ["Their names", "driftless account list -o name"],
  ],
  flags: { output: text("Output format: wide, name, json, yaml", { short: "o", fallback: "wide" }) },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "name", "json", "yaml"]);
    const items = await accounts.list(context.op, await context.api());
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(items, values.output));
    else if (values.output === "name") for (const { name } of items) context.out.line(name);
    else {
      const rows = items.map(({ name, enabled = false, capabilities = [] }) => [
        name,
        String(enabled),
        capabilities.join(", "),
      ]);
      context.out.write(table([["NAME", "ENABLED", "CAPABILITIES"], ...rows]));
    }
  },
});
