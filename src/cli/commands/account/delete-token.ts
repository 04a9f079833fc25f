// `driftless account delete-token`.
import { agreed } from "../../asking.ts";
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { accounts } from "../../server/services.ts";
import { accountOr } from "./own-account.ts";

export default command({
  usage: "ID",
  about: "The token is refused from then on. `driftless account get` lists tokens.",
  examples: [["A token of another account", "driftless account delete-token --account ci nightly"]],
  flags: { account: text("Name of the account; the one that is logged in unless told", { short: "a" }) },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const id = args[0]!;
    const name = await accountOr(context, values.account);
    if (!(await agreed(context, given, `Are you sure you want to delete '${id}' token? [y/n]`))) {
      context.out.line(`The command to delete '${id}' was cancelled.`);
      return;
    }
    await accounts.deleteToken(context.op, await context.api(), name, id);
  },
});
