// `driftless app delete`.
import { DriftlessError } from "#base/errors.ts";
import type { ApiClient, AppRef } from "../../server/api.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool, text } from "../../flags.ts";
import { chosen, written } from "../../names.ts";

export default command({
  usage: "[APPNAME... | -l selector]",
  about: "Deletes applications with their resources; --cascade=false leaves the resources as they are.",
  examples: [
    ["With its resources", "driftless app delete my-app"],
    ["Without asking, and until all is gone", "driftless app delete my-app --yes --wait"],
    ["Only the application", "driftless app delete my-app --cascade=false"],
    ["All with a label", "driftless app delete -l team=payments"],
  ],
  flags: {
    cascade: bool("Delete the resources, too", { fallback: true }),
    "propagation-policy": text("How resources are deleted: foreground, background", {
      short: "p",
      fallback: "foreground",
      choices: ["foreground", "background"],
    }),
    selector: text("Applications with these labels", { short: "l" }),
    wait: bool("Wait until the deletion is complete"),
    yes: bool("Do not ask", { short: "y" }),
    "app-namespace": text("Namespace of the applications", { short: "N" }),
  },
  args: { min: 0, max: Infinity },
  async run(context, { values, given, args }) {
    const refs = await chosen(context, {
      names: args,
      selector: values.selector,
      appNamespace: values["app-namespace"],
    });
    const api = await context.api();
    let all = values.yes || !values.cascade || !context.input.isTerminal || !context.out.isTerminal;
    for (const ref of refs) {
      const answer = all ? "y" : await confirm(context, ref, refs.length > 1);
      if (answer === "a") all = true;
      else if (answer !== "y") {
        context.out.line(`The command to delete '${written(ref)}' was cancelled.`);
        continue;
      }
      await api.applications.delete(context.op, ref, {
        ...(given.has("cascade") ? { cascade: values.cascade } : {}),
        ...(given.has("propagation-policy") ? { propagationPolicy: values["propagation-policy"] } : {}),
      });
      if (values.wait) await untilGone(context, api, ref);
      context.out.line(`application '${written(ref)}' deleted`);
    }
  },
});

async function confirm(context: Context, ref: AppRef, several: boolean): Promise<string> {
  const choices = several
    ? "[y/n/A] where 'A' is to delete all specified apps and their resources without prompting "
    : "[y/n] ";
  const question = `Are you sure you want to delete '${written(ref)}' and all its resources? ${choices}`;
  return (await context.input.ask(context.op, question)).toLowerCase().slice(0, 1);
}

async function untilGone(context: Context, api: ApiClient, ref: AppRef): Promise<void> {
  try {
    for await (const event of api.applications.follow(context.op, ref)) if (event.type === "DELETED") return;
  } catch (thrown) {
    if (thrown instanceof DriftlessError && thrown.code === "NOT_FOUND") return;
    throw thrown;
  }
}
