// `driftless cert rm`.
import { DriftlessError } from "#base/errors.ts";
import { agreed } from "../../asking.ts";
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { certificates } from "../../server/services.ts";

export default command({
  usage: "REPOSERVER",
  about: "REPOSERVER may hold *, but not be it.",
  examples: [["Certificates and keys of a host", "driftless cert rm git.example.com"]],
  flags: {
    "cert-type": text("Only ssh or https"),
    "cert-sub-type": text("Only keys of this kind, such as ssh-ed25519"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const host = args[0]!;
    if (host === "*")
      throw new DriftlessError("INVALID_ARGUMENT", "A single wildcard is not allowed as REPOSERVER name.");
    if (!(await agreed(context, given, `Are you sure you want to remove all certificates for '${host}'? [y/n]`))) {
      context.out.line(`The command to remove all certificates for '${host}' was cancelled.`);
      return;
    }
    const removed = await certificates.remove(context.op, await context.api(), {
      hostNamePattern: host,
      certType: values["cert-type"],
      certSubType: values["cert-sub-type"],
    });
    if (removed.length === 0) context.out.line("No certificates were removed (none matched the given pattern)");
    for (const { serverName, certType, certSubType = "" } of removed)
      context.out.line(`Removed cert for '${serverName}' of type '${certType}' (subtype '${certSubType}')`);
  },
});
