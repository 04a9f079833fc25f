// `driftless gpg rm`.
import { agreed } from "../../asking.ts";
import { command } from "../../command.ts";
import { publicKeys } from "../../server/services.ts";

export default command({
  usage: "KEYID",
  examples: [["Commits may no longer be signed with it", "driftless gpg rm 4AEE18F83AFDEB23"]],
  flags: {},
  args: { min: 1, max: 1 },
  async run(context, { given, args }) {
    const keyId = args[0]!;
    if (!(await agreed(context, given, `Are you sure you want to remove '${keyId}'? [y/n]`))) {
      context.out.line(`The command to remove '${keyId}' was cancelled.`);
      return;
    }
    await publicKeys.remove(context.op, await context.api(), keyId);
    context.out.line(`Deleted key with key ID ${keyId}`);
  },
});
