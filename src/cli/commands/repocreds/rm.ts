// `driftless repocreds rm`.
import { agreed } from "../../asking.ts";
import { command } from "../../command.ts";
import { repositoryCredentials } from "../../server/services.ts";

export default command({
  usage: "CREDSURL...",
  examples: [["Forget one", "driftless repocreds rm https://git.example.com/payments"]],
  flags: {},
  args: { min: 1, max: Infinity },
  async run(context, { given, args }) {
    const api = await context.api();
    for (const url of args) {
      if (!(await agreed(context, given, `Are you sure you want to remove '${url}'? [y/n]`))) {
        context.out.line(`The command to remove '${url}' was cancelled.`);
        continue;
      }
      await repositoryCredentials.remove(context.op, api, url);
      context.out.line(`Repository credentials for '${url}' removed`);
    }
  },
});
