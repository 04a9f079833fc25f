// `driftless proj create`.
import { command } from "../../command.ts";
import { bool } from "../../flags.ts";
import { describedFlags, describedProject } from "../../flags/project-file.ts";
import { projects } from "../../server/services.ts";

export default command({
  usage: "PROJECT",
  about: "With --file the flags are laid over what the file holds.",
  examples: [
    [
      "For one team",
      "driftless proj create payments --src https://git.example.com/payments.git --dest https://kubernetes.default.svc,payments",
    ],
    ["From a file", "driftless proj create -f payments.yaml --upsert"],
  ],
  flags: {
    ...describedFlags,
    upsert: bool("Replace a project of that name"),
  },
  args: { min: 0, max: 1 },
  async run(context, { values, given, args }) {
    const project = await describedProject(context, { values, given, args });
    await projects.create(context.op, await context.api(), project, values.upsert);
  },
});
