// `driftless proj set`.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { changeSpec } from "../../server/project-change.ts";
import { anyProjectFlag, projectFlags, withProjectFlags } from "../../flags/project-flags.ts";

export default command({
  usage: "PROJECT",
  about: "Each flag that is written replaces what the project has.",
  examples: [
    [
      "Its repositories",
      "driftless proj set payments --src https://git.example.com/payments.git --src https://charts.example.com",
    ],
  ],
  flags: projectFlags,
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    if (!anyProjectFlag(given))
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        "Please set at least one option to update; see driftless proj set --help",
      );
    await changeSpec(context, args[0]!, (spec) => withProjectFlags(spec, values, given));
  },
});
