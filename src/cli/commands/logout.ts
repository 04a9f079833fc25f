// `driftless logout`: ends the session on the server where it can, and forgets its token.
import { DriftlessError, toError } from "#base/errors.ts";
import { command } from "../command.ts";
import { clientOf } from "../server/connect.ts";

export default command({
  usage: "[CONTEXT]",
  examples: [
    ["Of the current context", "driftless logout"],
    ["Of another one", "driftless logout cd.example.com"],
  ],
  flags: {},
  args: { min: 0, max: 1 },
  async run(context, { args }) {
    const config = await context.config();
    const name = args[0] ?? (context.global["argocd-context"] || config.current);
    if (name === "") throw new DriftlessError("CONFIG_INVALID", "there is no context to log out of");
    const { server, user } = config.resolve(name);
    const token = user["auth-token"];
    if (token !== undefined) {
      const ended = clientOf(context.connect, server, token).session.logout(context.op);
      // A server that is gone, or knows the session no longer, has ended it.
      await ended.catch((thrown: unknown) =>
        context.op.log.debug("not ended on the server", { error: toError(thrown).message }),
      );
    }
    config.forgetToken(name);
    await config.save();
    context.out.line(`Logged out from '${name}'`);
  },
});
