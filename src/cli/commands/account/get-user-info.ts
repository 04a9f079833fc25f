// `driftless account get-user-info`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { checkOutput, document } from "../../view/print.ts";

export default command({
  examples: [["Who is logged in", "driftless account get-user-info"]],
  flags: { output: text("Output format: yaml, json", { short: "o" }) },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["yaml", "json"]);
    const api = await context.api();
    const info = await api.session.userInfo(context.op);
    if (values.output === "json" || values.output === "yaml") {
      context.out.write(await document(info, values.output));
      return;
    }
    context.out.line(`Logged In: ${info.loggedIn ?? false}`);
    if (!info.loggedIn) return;
    context.out.line(`Username: ${info.username ?? ""}`);
    context.out.line(`Issuer: ${info.iss ?? ""}`);
    context.out.line(`Groups: ${(info.groups ?? []).join(",")}`);
  },
});
