// `driftless admin notifications template get`: the templates that argocd-notifications-cm configures.
import { isObject } from "#base/json.ts";
import { configured, listFlags, printConfigured } from "../../../admin/notifications.ts";
import { command } from "../../../command.ts";

export default command({
  usage: "[NAME]",
  examples: [
    ["All", "driftless admin notifications template get -n argocd"],
    ["One", "driftless admin notifications template get app-sync-succeeded -o yaml -n argocd"],
  ],
  flags: listFlags,
  args: { min: 0, max: 1 },
  async run(context, { values, args }) {
    await printConfigured(context, await configured(context, values, "template"), {
      output: values.output,
      name: args[0],
      head: ["NAME", "PREVIEW"],
      rows: (name, value) => [[name, preview(value)]],
    });
  },
});

/** The message in one line, else the whole template. */
function preview(value: unknown): string {
  const message = isObject(value) ? value["message"] : undefined;
  return typeof message === "string" && message !== "" ? message.trim().replaceAll("\n", " ") : JSON.stringify(value);
}
