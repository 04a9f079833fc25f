// `driftless appset generate`: the applications that an ApplicationSet would make.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { applicationSets } from "../../server/services.ts";
import { applicationTable } from "../../view/application.ts";
import { checkOutput, document } from "../../view/print.ts";
import { applicationSetsIn } from "./application-sets.ts";

export default command({
  usage: "FILE",
  examples: [["Of a file", "driftless appset generate previews.yaml"]],
  flags: {
    "appset-namespace": text("Namespace of those that name none", { short: "N" }),
    output: text("Output format: wide, json, yaml", { short: "o", fallback: "wide" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "json", "yaml"]);
    const api = await context.api();
    const namespace = values["appset-namespace"];
    for (const set of await applicationSetsIn(context, args[0]!)) {
      const metadata = { ...(namespace === "" ? {} : { namespace }), ...set.metadata };
      const apps = await applicationSets.generate(context.op, api, { ...set, metadata });
      if (values.output === "json" || values.output === "yaml") context.out.write(await document(apps, values.output));
      else context.out.write(applicationTable(apps));
    }
  },
});
