// `driftless appset delete`.
import { toError } from "#base/errors.ts";
import { pause } from "../../server/api.ts";
import { askerFor } from "../../asking.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool, text } from "../../flags.ts";
import { parseName, written } from "../../names.ts";
import { applicationSets } from "../../server/services.ts";

const pollMs = 500;

export default command({
  usage: "APPSETNAME...",
  about: "Its applications go too, unless its policy keeps them.",
  examples: [["Without asking", "driftless appset delete previews --yes"]],
  flags: {
    yes: bool("Do not ask", { short: "y" }),
    wait: bool("Wait until the deletion is complete"),
    "appset-namespace": text("Namespace of the ApplicationSets", { short: "N" }),
  },
  args: { min: 1, max: Infinity },
  async run(context, { values, args }) {
    const api = await context.api();
    const asked = askerFor(context, { skip: values.yes, several: args.length > 1 });
    for (const ref of args.map((name) => parseName(name, values["appset-namespace"]))) {
      const name = written(ref);
      const question = `Are you sure you want to delete '${name}' and all its Applications?`;
      const many = `${question} [y/n/A] where 'A' is to delete all specified ApplicationSets and their Applications without prompting`;
      if (!(await asked({ one: `${question} [y/n]`, many }))) {
        context.out.line(`The command to delete '${name}' was cancelled.`);
        continue;
      }
      await applicationSets.remove(context.op, api, ref.name, ref.appNamespace ?? "");
      if (values.wait) await untilGone(context, ref.name, ref.appNamespace ?? "");
      context.out.line(`applicationset '${name}' deleted`);
    }
  },
});

async function untilGone(context: Context, name: string, namespace: string): Promise<void> {
  const api = await context.api();
  for (;;) {
    try {
      await applicationSets.get(context.op, api, name, namespace);
    } catch (thrown) {
      if (toError(thrown).code === "NOT_FOUND") return;
      throw thrown;
    }
    await pause(context.op, context.clock, pollMs);
    context.op.signal.throwIfAborted();
  }
}
