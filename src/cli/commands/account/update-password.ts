// `driftless account update-password`. Passwords are asked for where they are not given, and never shown.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { text } from "../../flags.ts";
import { accounts } from "../../server/services.ts";
import { variable } from "../../server/connect.ts";
import { ask } from "../login.ts";

export default command({
  about: "Sessions of the account end; one's own is replaced in the configuration file.",
  examples: [
    ["One's own", "driftless account update-password"],
    ["Another account's, with the password of whoever changes it", "driftless account update-password --account ci"],
  ],
  flags: {
    account: text("Name of the account; the one that is logged in unless told"),
    "current-password": text("Password of whoever is logged in"),
    "new-password": text("The new password"),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    const api = await context.api();
    const { username = "", iss, loggedIn } = await api.session.userInfo(context.op);
    if (!loggedIn) throw new DriftlessError("UNAUTHENTICATED", "there is no session: log in first");
    const name = values.account || username;
    const current =
      values["current-password"] ||
      (iss === "argocd"
        ? await ask(
            context,
            `*** Enter password of currently logged in user (${username}): `,
            "--current-password",
            true,
          )
        : "");
    const fresh = values["new-password"] || (await asked(context, name));
    await accounts.updatePassword(context.op, api, { name, currentPassword: current, newPassword: fresh });
    context.out.line("Password updated");
    if (name === username) await loginAgain(context, username, fresh);
  },
});

async function asked(context: Context, name: string): Promise<string> {
  const first = await ask(context, `*** Enter new password for user ${name}: `, "--new-password", true);
  const second = await ask(context, `*** Confirm new password for user ${name}: `, "--new-password", true);
  if (first !== second) throw new DriftlessError("INVALID_ARGUMENT", "the two new passwords are not the same");
  return first;
}

/** The old token is void now: the context gets another. Without a context there is nothing to keep. */
async function loginAgain(context: Context, username: string, password: string): Promise<void> {
  const config = await context.config();
  const name = context.global["argocd-context"] || variable(context.env, "CONTEXT") || config.current;
  if (name === "" || context.global.server !== "" || variable(context.env, "SERVER") !== "") return;
  const { server, user } = config.resolve(name);
  const token = await (await context.api()).session.login(context.op, username, password);
  const { current } = config;
  config.put(name, server, { ...user, "auth-token": token });
  config.use(current);
  await config.save();
  context.out.line(`Context '${name}' updated`);
}
