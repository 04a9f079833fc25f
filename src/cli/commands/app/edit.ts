// `driftless app edit`: the spec as YAML in an editor; what it is changed to is sent. Nothing changed: nothing sent.
import { sameJson } from "#base/json.ts";
import { command } from "../../command.ts";
import { edited } from "../../local/editing.ts";
import { text } from "../../flags.ts";
import { parseName } from "../../names.ts";

export default command({
  usage: "APPNAME",
  about: "The editor is the one that KUBE_EDITOR or EDITOR names, else vi.",
  examples: [["Edit the spec", "driftless app edit my-app"]],
  flags: { "app-namespace": text("Namespace of the application", { short: "N" }) },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const app = await api.applications.get(context.op, ref);
    const spec = await edited(context, ref.name, app.spec);
    if (sameJson(spec, app.spec)) {
      context.out.line("Edit cancelled, no changes made.");
      return;
    }
    await api.applications.updateSpec(context.op, ref, spec, { validate: true });
    context.out.line(`application '${ref.name}' edited`);
  },
});
