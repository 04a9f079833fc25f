// `driftless cert add-ssh`: keys that hosts of repositories are known by.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { readPlace } from "../../local/files.ts";
import { bool, text } from "../../flags.ts";
import { certificates } from "../../server/services.ts";
import { knownHosts } from "./certificate-files.ts";

export default command({
  usage: "--batch",
  about: "Compare what ssh-keyscan says with what the host's owner publishes, before you add it.",
  examples: [["The keys of a host", "ssh-keyscan git.example.com | driftless cert add-ssh --batch"]],
  flags: {
    batch: bool("Read lines as ssh-keyscan prints them; must be given"),
    from: text("File with the lines; standard input unless told"),
    upsert: bool("Replace keys of these hosts"),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    if (!values.batch)
      throw new DriftlessError("INVALID_ARGUMENT", "you need to specify --batch; see driftless cert add-ssh --help");
    if (values.from === "" && context.input.isTerminal)
      context.err.line("Enter SSH known hosts entries, one per line. Press CTRL-D when finished.");
    const items = knownHosts(await readPlace(context, values.from || "-"));
    if (items.length === 0) throw new DriftlessError("INVALID_ARGUMENT", "No valid SSH known hosts data found.");
    const made = await certificates.create(context.op, await context.api(), items, values.upsert);
    context.out.line(`Successfully created ${made.length} SSH known host entries`);
  },
});
