// `driftless admin notifications trigger get`: the triggers that argocd-notifications-cm configures.
import { listAt, stringAt } from "#base/json.ts";
import { configured, listFlags, printConfigured } from "../../../admin/notifications.ts";
import { command } from "../../../command.ts";

export default command({
  usage: "[NAME]",
  examples: [
    ["All", "driftless admin notifications trigger get -n argocd"],
    ["One", "driftless admin notifications trigger get on-sync-failed -o yaml -n argocd"],
  ],
  flags: listFlags,
  args: { min: 0, max: 1 },
  async run(context, { values, args }) {
    await printConfigured(context, await configured(context, values, "trigger"), {
      output: values.output,
      name: args[0],
      head: ["NAME", "TEMPLATE", "CONDITION"],
      rows: (name, value) =>
        listAt({ value }, "value").map((condition, index) => [
          index === 0 ? name : "",
          listAt(condition, "send").map(String).join(", "),
          stringAt(condition, "when") ?? "",
        ]),
    });
  },
});
