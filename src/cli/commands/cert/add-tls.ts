// `driftless cert add-tls`: an authority or certificate that a repository's server is trusted by.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { readPlace } from "../../local/files.ts";
import { bool, text } from "../../flags.ts";
import { certificates } from "../../server/services.ts";
import { pemCertificates } from "./certificate-files.ts";

export default command({
  usage: "SERVERNAME",
  examples: [
    ["From a file", "driftless cert add-tls --from git.pem git.example.com"],
    ["From standard input", "driftless cert add-tls git.example.com < git.pem"],
  ],
  flags: {
    from: text("File with certificates in PEM; standard input unless told"),
    upsert: bool("Replace those of the server"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const serverName = args[0]!;
    if (values.from === "" && context.input.isTerminal)
      context.err.line("Enter TLS certificate data in PEM format. Press CTRL-D when finished.");
    const found = pemCertificates(await readPlace(context, values.from || "-"));
    if (found.length === 0)
      throw new DriftlessError("INVALID_ARGUMENT", "No valid certificates have been detected in the stream.");
    const certData = Buffer.from(`${found.join("\n")}\n`).toString("base64");
    const item = { serverName, certType: "https", certData };
    await certificates.create(context.op, await context.api(), [item], values.upsert);
    context.out.line(
      `Created/updated TLS certificate entry for repository server ${serverName} with ${found.length} unique PEM certificates`,
    );
  },
});
