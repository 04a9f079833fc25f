// `driftless gpg list`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { publicKeys } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { oneLine, table } from "../../view/table.ts";

export default command({
  examples: [["The keys that commits may be signed with", "driftless gpg list"]],
  flags: { output: text("Output format: wide, json, yaml", { short: "o", fallback: "wide" }) },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "json", "yaml"]);
    const items = await publicKeys.list(context.op, await context.api());
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(items, values.output));
    else {
      const rows = items.map(({ keyID, subType = "", owner = "" }) => [keyID, subType.toUpperCase(), oneLine(owner)]);
      context.out.write(table([["KEYID", "TYPE", "IDENTITY"], ...rows]));
    }
  },
});
