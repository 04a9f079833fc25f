// `driftless account can-i`.
import { command } from "../../command.ts";
import { accounts } from "../../server/services.ts";

export default command({
  usage: "ACTION RESOURCE SUBRESOURCE",
  about: "Prints yes or no.",
  examples: [
    ["May I sync any application?", "driftless account can-i sync applications '*'"],
    ["May I change the project default?", "driftless account can-i update projects default"],
  ],
  flags: {},
  args: { min: 3, max: 3 },
  async run(context, { args }) {
    const [action, resource, object] = args as [string, string, string];
    context.out.line(await accounts.mayI(context.op, await context.api(), [action, resource, object]));
  },
});
