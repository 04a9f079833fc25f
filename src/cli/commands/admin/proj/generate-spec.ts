// `driftless admin proj generate-spec`: what `proj create` would create, as a file to be committed.
import { command } from "../../../command.ts";
import { generatedFlags, writeGenerated } from "../../../flags/generated.ts";
import { describedFlags, describedProject } from "../../../flags/project-file.ts";

export default command({
  usage: "PROJECT",
  about: "Takes the flags of proj create and asks no server. With --file they are laid over what the file holds.",
  examples: [
    [
      "For one team",
      "driftless admin proj generate-spec payments --src https://git.example.com/payments.git --dest https://kubernetes.default.svc,payments",
    ],
    ["One more in a file", "driftless admin proj generate-spec -f payments.yaml --description money --inline"],
  ],
  flags: { ...describedFlags, ...generatedFlags },
  args: { min: 0, max: 1 },
  async run(context, { values, given, args }) {
    await writeGenerated(context, await describedProject(context, { values, given, args }), values);
  },
});
