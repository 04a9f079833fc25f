// `driftless configure`: settings of the command line itself, kept in the configuration file.
import { command } from "../command.ts";

export default command({
  about: "Prompts are the questions before something is deleted. Flags of one command win over the setting.",
  examples: [
    ["Ask before something is deleted", "driftless configure --prompts-enabled=true"],
    ["Do not ask", "driftless configure --prompts-enabled=false"],
  ],
  flags: {},
  args: { min: 0, max: 0 },
  async run(context, { given }) {
    const config = await context.config();
    if (given.has("prompts-enabled")) config.enablePrompts(context.global["prompts-enabled"]);
    await config.save();
    context.out.line("Successfully updated the following configuration settings:");
    context.out.line(`prompts-enabled: ${config.promptsEnabled}`);
  },
});
