// `driftless admin repo generate-spec`: the Secret that `repo add` would lead to. Holds what lets one in: to be sealed
// before it is committed.
import { command } from "../../../command.ts";
import { outputFlags, readable, writeGenerated } from "../../../flags/generated.ts";
import { describedRepository, repositoryFlags } from "../../../flags/repository-flags.ts";

export default command({
  usage: "REPOURL",
  about: "Takes the flags of repo add and tries nothing. The Secret holds the credentials readably.",
  examples: [
    [
      "By password",
      "driftless admin repo generate-spec https://git.example.com/deploy.git --username git --password secret",
    ],
    ["Helm charts", "driftless admin repo generate-spec https://charts.example.com --type helm --name charts"],
  ],
  flags: { ...repositoryFlags, ...outputFlags },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const repository = await describedRepository(context, args[0]!, values);
    const { repositorySecret } = await (await context.admin()).secrets();
    await writeGenerated(context, readable(repositorySecret("repository", repository, { namespace: "" })), values);
  },
});
