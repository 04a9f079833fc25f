// `driftless app terminate-op`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { parseName } from "../../names.ts";

export default command({
  usage: "APPNAME",
  examples: [["End what runs", "driftless app terminate-op my-app"]],
  flags: { "app-namespace": text("Namespace of the application", { short: "N" }) },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const ref = parseName(args[0]!, values["app-namespace"]);
    const api = await context.api();
    await api.applications.terminate(context.op, ref);
    context.out.line(`Application '${ref.name}' operation terminating`);
  },
});
