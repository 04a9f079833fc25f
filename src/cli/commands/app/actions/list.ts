// `driftless app actions list`.
import { command } from "../../../command.ts";
import { text } from "../../../flags.ts";
import { parseName } from "../../../names.ts";
import { checkOutput, document } from "../../../view/print.ts";
import { table } from "../../../view/table.ts";
import { targetFlags, targetsOf } from "./targets.ts";

export default command({
  usage: "APPNAME",
  examples: [
    ["What can be done to an application's resources", "driftless app actions list my-app"],
    ["To one of them", "driftless app actions list my-app --kind Deployment --resource-name web"],
  ],
  flags: {
    ...targetFlags,
    out: text("Output format: wide, json, yaml", { short: "o" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.out, ["wide", "json", "yaml"]);
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const rows: { group: string; kind: string; name: string; action: string; disabled: boolean }[] = [];
    for (const target of await targetsOf(context.op, api, ref, values)) {
      for (const { name, disabled } of await api.applications.actions(context.op, ref, target)) {
        rows.push({
          group: target.group,
          kind: target.kind,
          name: target.resourceName,
          action: name,
          disabled: disabled === true,
        });
      }
    }
    if (values.out === "json" || values.out === "yaml") {
      context.out.write(await document(rows, values.out));
      return;
    }
    const lines = rows.map(({ group, kind, name, action, disabled }) => [group, kind, name, action, String(disabled)]);
    context.out.write(table([["GROUP", "KIND", "NAME", "ACTION", "DISABLED"], ...lines]));
  },
});
