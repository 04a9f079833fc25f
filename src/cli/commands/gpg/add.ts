// `driftless gpg add`.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { readPlace } from "../../local/files.ts";
import { text } from "../../flags.ts";
import { publicKeys } from "../../server/services.ts";

export default command({
  examples: [["Public keys of a file", "driftless gpg add --from keys.asc"]],
  flags: { from: text("File with public keys", { short: "f" }) },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    if (values.from === "") throw new DriftlessError("INVALID_ARGUMENT", "--from is mandatory");
    const keyData = await readPlace(context, values.from);
    if (/BEGIN PGP PRIVATE KEY/.test(keyData))
      throw new DriftlessError("INVALID_ARGUMENT", `${values.from} holds a private key: export the public one`);
    const { created, skipped } = await publicKeys.create(context.op, await context.api(), keyData);
    const known = skipped > 0 ? `, and ${skipped} key(s) were skipped because they exist already` : "";
    context.out.line(`Created ${created} key(s) from input file${known}.`);
  },
});
