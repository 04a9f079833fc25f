// `driftless repo add`. The server tries the repository before it keeps it.
import { command } from "../../command.ts";
import { bool } from "../../flags.ts";
import { describedRepository, repositoryFlags } from "../../flags/repository-flags.ts";
import { repositories } from "../../server/services.ts";

export default command({
  usage: "REPOURL",
  examples: [
    ["By password, which is asked for", "driftless repo add https://git.example.com/deploy.git --username git"],
    ["By SSH", "driftless repo add git@git.example.com:deploy.git --ssh-private-key-path ~/.ssh/id_ed25519"],
    ["Helm charts", "driftless repo add https://charts.example.com --type helm --name charts"],
  ],
  flags: {
    ...repositoryFlags,
    upsert: bool("Replace one of that URL"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const url = args[0]!;
    const repository = await describedRepository(context, url, values);
    const added = await repositories.create(context.op, await context.api(), repository, values.upsert);
    context.out.line(`Repository '${added.repo ?? url}' added`);
  },
});
