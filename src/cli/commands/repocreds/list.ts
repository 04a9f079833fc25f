// `driftless repocreds list`. The server does not tell keys and passwords: only which URLs have credentials.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { repositoryCredentials } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { oneLine, table } from "../../view/table.ts";

export default command({
  examples: [["All of them", "driftless repocreds list"]],
  flags: { output: text("Output format: wide, url, json, yaml", { short: "o", fallback: "wide" }) },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "url", "json", "yaml"]);
    const items = await repositoryCredentials.list(context.op, await context.api());
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(items, values.output));
    else if (values.output === "url") for (const { url } of items) context.out.line(url);
    else {
      const rows = items.map((item) => [
        oneLine(item.url ?? ""),
        oneLine(item.username || "-"),
        String(Boolean(item["sshPrivateKey"])),
        String(Boolean(item["tlsClientCertData"])),
      ]);
      context.out.write(table([["URL PATTERN", "USERNAME", "SSH_CREDS", "TLS_CREDS"], ...rows]));
    }
  },
});
