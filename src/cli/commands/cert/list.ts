// `driftless cert list`.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { certificates, type Certificate } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { oneLine, table } from "../../view/table.ts";

export default command({
  examples: [
    ["All of them", "driftless cert list"],
    ["Those of some hosts", "driftless cert list --hostname-pattern '*.example.com'"],
  ],
  flags: {
    output: text("Output format: wide, json, yaml", { short: "o", fallback: "wide" }),
    sort: text("Order: hostname, type", { choices: ["", "hostname", "type"] }),
    "cert-type": text("Only ssh or https"),
    "hostname-pattern": text("Only hosts that match, * for any text"),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "json", "yaml"]);
    if (!["", "ssh", "https"].includes(values["cert-type"]))
      throw new DriftlessError("INVALID_ARGUMENT", "cert-type must be either ssh or https");
    const query = { hostNamePattern: values["hostname-pattern"], certType: values["cert-type"] };
    const items = await certificates.list(context.op, await context.api(), query);
    if (values.output === "json" || values.output === "yaml") {
      context.out.write(await document(items, values.output));
      return;
    }
    const key = (item: Certificate): string => (values.sort === "type" ? item.certType : item.serverName);
    const rows = items
      .toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
      .map((item) => [item.serverName, item.certType, item.certSubType ?? "", item.certInfo ?? ""].map(oneLine));
    context.out.write(table([["HOSTNAME", "TYPE", "SUBTYPE", "INFO"], ...rows]));
  },
});
