// `driftless account bcrypt`: the hash of a password, as `argocd-secret` keeps it. Asks no server.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { ask } from "../login.ts";

const rounds = 10;

export default command({
  about: "The password is asked for where it is not given.",
  examples: [["For admin.password of argocd-secret", "driftless account bcrypt"]],
  flags: { password: text("The password") },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    const password = values.password || (await ask(context, "Password: ", "--password", true));
    const { hash } = await import("bcryptjs");
    context.out.line(await hash(password, rounds));
  },
});
