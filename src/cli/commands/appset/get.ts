// `driftless appset get`.
import { listAt, stringAt } from "#base/json.ts";
import { command } from "../../command.ts";
import { bool, text } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { applicationSets } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { oneLine, table } from "../../view/table.ts";
import { applicationSetDetails } from "./application-sets.ts";

export default command({
  usage: "APPSETNAME",
  examples: [["One of them", "driftless appset get previews"]],
  flags: {
    output: text("Output format: wide, json, yaml", { short: "o", fallback: "wide" }),
    "show-params": bool("Show the Helm parameters of the template"),
    "appset-namespace": text("Namespace of the ApplicationSet", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "json", "yaml"]);
    const { name, appNamespace = "" } = parseName(args[0]!, values["appset-namespace"]);
    const set = await applicationSets.get(context.op, await context.api(), name, appNamespace);
    if (values.output === "json" || values.output === "yaml") {
      context.out.write(await document(set, values.output));
      return;
    }
    context.out.write(applicationSetDetails(set));
    const parameters = listAt(set, "spec", "template", "spec", "source", "helm", "parameters");
    if (!values["show-params"] || parameters.length === 0) return;
    const rows = parameters.map((item) => [stringAt(item, "name") ?? "", oneLine(stringAt(item, "value") ?? "")]);
    context.out.write(`\n${table([["NAME", "VALUE"], ...rows])}`);
  },
});
