// `driftless proj delete`. Projects that applications use are refused by the server.
import { agreed } from "../../asking.ts";
import { command } from "../../command.ts";
import { projects } from "../../server/services.ts";

export default command({
  usage: "PROJECT...",
  examples: [["A project without applications", "driftless proj delete payments"]],
  flags: {},
  args: { min: 1, max: Infinity },
  async run(context, { given, args }) {
    const api = await context.api();
    for (const name of args) {
      if (await agreed(context, given, `Are you sure you want to delete '${name}' project? [y/n]`))
        await projects.delete(context.op, api, name);
      else context.out.line(`The command to delete project '${name}' was cancelled.`);
    }
  },
});
