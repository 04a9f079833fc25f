// `driftless relogin`: a new token for the current context, for the same account.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../command.ts";
import { clientOf } from "../server/connect.ts";
import { bool, int, text } from "../flags.ts";
import { ask } from "./login.ts";

export default command({
  examples: [["Log in again", "driftless relogin"]],
  flags: {
    password: text("Password of the account"),
    "sso-launch-browser": bool("Open the browser", { fallback: true, hidden: true }),
    "sso-port": int("Port of the callback", { fallback: 8085, hidden: true }),
    callback: text("Address of the callback", { hidden: true }),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    const config = await context.config();
    const name = context.global["argocd-context"] || config.current;
    if (name === "") throw new DriftlessError("CONFIG_INVALID", "no context is configured: driftless login SERVER");
    const { server, user } = config.resolve(name);
    if (server.core)
      throw new DriftlessError(
        "CONFIG_INVALID",
        `the context "${name}" talks straight to the cluster: there is nothing to log in to`,
      );
    const username = accountOf(user["auth-token"] ?? "") ?? (await ask(context, "Username: ", "driftless login"));
    context.out.line(`Relogging in as '${username}'`);
    const password = values.password || (await ask(context, "Password: ", "--password", true));
    const token = await clientOf(context.connect, server, "").session.login(context.op, username, password);
    config.put(name, server, { ...user, "auth-token": token });
    await config.save();
    context.out.line(`'${username}:login' logged in successfully`);
    context.out.line(`Context '${name}' updated`);
  },
});

/** The account that a token is for; it is not verified, only asked whom it names. */
function accountOf(token: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as { sub?: string };
    return claims.sub?.split(":")[0];
  } catch {
    return undefined;
  }
}
