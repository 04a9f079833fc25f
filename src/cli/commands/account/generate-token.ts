// `driftless account generate-token`: the one time that the token is shown.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { accounts } from "../../server/services.ts";
import { lifetime } from "../../server/tokens.ts";
import { accountOr } from "./own-account.ts";

export default command({
  examples: [
    ["For the account that is logged in", "driftless account generate-token"],
    ["For another one, for a month", "driftless account generate-token --account ci --expires-in 30d"],
  ],
  flags: {
    account: text("Name of the account; the one that is logged in unless told", { short: "a" }),
    "expires-in": text("How long it is to last: 12h, 7d; 0s means for ever", { short: "e", fallback: "0s" }),
    id: text("Name of the token; a random one unless told"),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    const expiresIn = lifetime(values["expires-in"]);
    const name = await accountOr(context, values.account);
    context.out.line(await accounts.createToken(context.op, await context.api(), { name, id: values.id, expiresIn }));
  },
});
