// `driftless version`: of the program, and of the server where one answers.
import { toError } from "#base/errors.ts";
import { command } from "../command.ts";
import { bool, text } from "../flags.ts";
import { checkOutput, document } from "../view/print.ts";

export default command({
  examples: [
    ["Of the program and its server", "driftless version"],
    ["Of the program alone", "driftless version --client --short"],
  ],
  flags: {
    client: bool("Only the program's own version"),
    output: text("Output format: wide, json, yaml, short", { short: "o", fallback: "wide" }),
    short: bool("Only the version numbers"),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "json", "yaml", "short"]);
    const { version, platform, arch } = process;
    const client = { Version: `v${context.version}`, NodeVersion: version, Platform: `${platform}/${arch}` };
    const server = values.client
      ? undefined
      : await context
          .api()
          .then((api) => api.version(context.op))
          .catch(toError);
    const failed = server instanceof Error ? server : undefined;
    if (values.output === "json" || values.output === "yaml") {
      const content = { client, ...(server && !failed ? { server } : {}) };
      context.out.write(await document(content, values.output));
    } else {
      const short = values.short || values.output === "short";
      context.out.line(`driftless: ${client.Version}`);
      if (!short) context.out.write(`  NodeVersion: ${client.NodeVersion}\n  Platform: ${client.Platform}\n`);
      if (server && !failed) context.out.line(`driftless-server: ${(server as { Version?: string }).Version ?? ""}`);
    }
    if (failed) throw failed;
  },
});
