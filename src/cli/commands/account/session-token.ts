// `driftless account session-token`: the token of this session, checked first, for scripts that call the API.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { accounts } from "../../server/services.ts";
import { claimsOf } from "../../server/tokens.ts";
import { checkOutput, document } from "../../view/print.ts";
import { timeOrNever } from "../../view/times.ts";

export default command({
  about: "Whoever has the token is you until it expires: do not leave it in logs.",
  examples: [
    ["In a script", "export DRIFTLESS_AUTH_TOKEN=$(driftless account session-token)"],
    ["With what it says of itself", "driftless account session-token -o json"],
  ],
  flags: { output: text("Output format: json", { short: "o" }) },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["json"]);
    const api = await context.api();
    // Any question that needs a session: it renews the token where that is possible, and refuses one that has expired.
    await accounts.list(context.op, api);
    const token = api.token();
    if (token === "") throw new DriftlessError("UNAUTHENTICATED", "there is no session: log in first");
    if (values.output === "") {
      context.out.line(token);
      return;
    }
    const { sub, iss, iat, exp } = claimsOf(token);
    const shown = { token, subject: sub, issuer: iss, issuedAt: timeOrNever(iat), expiresAt: timeOrNever(exp) };
    context.out.write(await document(shown, "json"));
  },
});
