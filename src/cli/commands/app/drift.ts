// `driftless app drift`: ours. Which fields differ from Git, who changed each of them, and when.
import { command } from "../../command.ts";
import { bool, text } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { driftText } from "../../view/drift.ts";
import { checkOutput, document } from "../../view/print.ts";

export default command({
  usage: "APPNAME",
  about:
    "Who changed a field is told by the cluster's managedFields, read when you ask. Values of Secrets are masked.\nExit code: 0 without differences, 1 with some.",
  examples: [
    ["What differs, and who changed it", "driftless app drift my-app"],
    ["Of one resource", "driftless app drift my-app --kind Deployment --resource-name web"],
    ["For a script", "driftless app drift my-app -o json"],
  ],
  flags: {
    group: text("Only resources of this group"),
    kind: text("Only resources of this kind"),
    namespace: text("Only resources in this namespace"),
    "resource-name": text("Only resources of this name"),
    refresh: bool("Compare anew first"),
    output: text("Output format: json, yaml", { short: "o" }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["json", "yaml"]);
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    if (values.refresh) await api.applications.get(context.op, ref, { refresh: "normal" });
    const { group, kind, namespace, "resource-name": resourceName } = values;
    const drift = await api.applications.drift(context.op, ref, { group, kind, namespace, resourceName });
    if (values.output === "json" || values.output === "yaml") context.out.write(await document(drift, values.output));
    else if (drift.items.length === 0) context.out.line("nothing differs");
    else context.out.write(driftText(drift));
    return drift.items.length > 0 ? 1 : 0;
  },
});
