// `driftless account get`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { accounts, type Account } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { labelled, table } from "../../view/table.ts";
import { localTime } from "../../view/times.ts";
import { accountOr } from "./own-account.ts";

export default command({
  examples: [
    ["The account that is logged in", "driftless account get"],
    ["Another one, with its tokens", "driftless account get --account ci"],
  ],
  flags: {
    account: text("Name of the account; the one that is logged in unless told", { short: "a" }),
    output: text("Output format: wide, name, json, yaml", { short: "o", fallback: "wide" }),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "name", "json", "yaml"]);
    const name = await accountOr(context, values.account);
    const account = await accounts.get(context.op, await context.api(), name);
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(account, values.output));
    else if (values.output === "name") context.out.line(account.name);
    else context.out.write(details(account, context.clock.now()));
  },
});

function details({ name, enabled = false, capabilities = [], tokens = [] }: Account, nowMs: number): string {
  const head =
    labelled("Name:", name) +
    labelled("Enabled:", String(enabled)) +
    labelled("Capabilities:", capabilities.join(", "));
  if (tokens.length === 0) return `${head}\nTokens:\nNONE\n`;
  const rows = tokens.map(({ id, issuedAt = 0, expiresAt = 0 }) => [
    id,
    localTime(issuedAt),
    expiresAt > 0 ? `${localTime(expiresAt)}${expiresAt * 1000 < nowMs ? " (expired)" : ""}` : "never",
  ]);
  return `${head}\nTokens:\n${table([["ID", "ISSUED AT", "EXPIRING AT"], ...rows])}`;
}
