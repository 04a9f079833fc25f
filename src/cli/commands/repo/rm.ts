// `driftless repo rm`.
import { agreed } from "../../asking.ts";
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { repositories } from "../../server/services.ts";

export default command({
  usage: "REPO...",
  examples: [["Forget one", "driftless repo rm https://git.example.com/deploy.git"]],
  flags: { project: text("Project that the repository belongs to") },
  args: { min: 1, max: Infinity },
  async run(context, { values, given, args }) {
    const api = await context.api();
    for (const url of args) {
      if (!(await agreed(context, given, `Are you sure you want to delete repository '${url}'? [y/n]`))) {
        context.out.line(`The command to delete repository '${url}' was cancelled.`);
        continue;
      }
      await repositories.remove(context.op, api, url, values.project);
      context.out.line(`Repository '${url}' removed`);
    }
  },
});
