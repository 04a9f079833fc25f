// `driftless app confirm-deletion`.
import { annotation } from "#model/names.ts";
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { parseName } from "../../names.ts";

export default command({
  usage: "APPNAME",
  about: "Objects with the sync option Prune=confirm or Delete=confirm are only deleted after this.",
  examples: [["Let go on what waits for it", "driftless app confirm-deletion my-app"]],
  flags: { "app-namespace": text("Namespace of the application", { short: "N" }) },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const ref = parseName(args[0]!, values["app-namespace"]);
    const api = await context.api();
    // Seconds of the server's clock decide; the next second is after whatever waits now.
    const approved = new Date(Math.ceil(context.clock.now() / 1000) * 1000).toISOString().replace(".000Z", "Z");
    const patch = JSON.stringify({ metadata: { annotations: { [annotation.deletionApproved]: approved } } });
    await api.applications.patch(context.op, ref, patch, "merge");
    context.out.line(`Application '${ref.name}' updated successfully`);
  },
});
