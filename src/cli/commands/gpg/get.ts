// `driftless gpg get`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { publicKeys } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { oneLine } from "../../view/table.ts";

export default command({
  usage: "KEYID",
  examples: [["One key", "driftless gpg get 4AEE18F83AFDEB23"]],
  flags: { output: text("Output format: wide, json, yaml", { short: "o", fallback: "wide" }) },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "json", "yaml"]);
    const key = await publicKeys.get(context.op, await context.api(), args[0]!);
    if (values.output === "json" || values.output === "yaml") {
      context.out.write(await document(key, values.output));
      return;
    }
    const line = (name: string, value = ""): string => `${name.padEnd(17)}${oneLine(value)}\n`;
    context.out.write(
      [
        line("Key ID:", key.keyID),
        line("Key fingerprint:", key.fingerprint),
        line("Key subtype:", key.subType?.toUpperCase()),
        line("Key owner:", key.owner),
        `Key data follows until EOF:\n${key.keyData ?? ""}\n`,
      ].join(""),
    );
  },
});
