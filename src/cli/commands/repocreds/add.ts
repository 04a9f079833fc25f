// `driftless repocreds add`: credentials for every repository below a URL.
import { command } from "../../command.ts";
import { bool, text } from "../../flags.ts";
import { credentialFields, credentialFlags, present } from "../../flags/repository-flags.ts";
import { repositoryCredentials } from "../../server/services.ts";

export default command({
  usage: "REPOURL",
  examples: [
    ["By password, which is asked for", "driftless repocreds add https://git.example.com/payments --username git"],
    ["By SSH", "driftless repocreds add git@git.example.com:payments --ssh-private-key-path ~/.ssh/id_ed25519"],
  ],
  flags: {
    ...credentialFlags,
    upsert: bool("Replace one of that URL"),
    "proxy-url": text("Proxy to the repositories"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const url = args[0]!;
    const fields = await credentialFields(context, url, values);
    const creds = present({ url, ...fields, proxy: values["proxy-url"] });
    const added = await repositoryCredentials.create(context.op, await context.api(), creds, values.upsert);
    context.out.line(`Repository credentials for '${added.url ?? url}' added`);
  },
});
