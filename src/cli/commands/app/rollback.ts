// `driftless app rollback`.
import { DriftlessError } from "#base/errors.ts";
import type { Application } from "#model/application.ts";
import { command } from "../../command.ts";
import { bool, text, uint } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { checkOutput } from "../../view/print.ts";
import { waitFor } from "../../server/watching.ts";

export default command({
  usage: "APPNAME [ID]",
  about: "Without an ID it goes back to the deployment before the last. driftless app history lists them.",
  examples: [
    ["To the deployment before", "driftless app rollback my-app"],
    ["To a certain one, deleting what it did not have", "driftless app rollback my-app 12 --prune"],
  ],
  flags: {
    prune: bool("Delete resources that the deployment did not have"),
    timeout: uint("Give up waiting after this many seconds"),
    output: text("Output format: wide, json, yaml, tree, tree=detailed", { short: "o", fallback: "wide" }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 2 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "json", "yaml", "tree", "tree=detailed"]);
    const ref = parseName(args[0]!, values["app-namespace"]);
    const api = await context.api();
    const app = await api.applications.get(context.op, ref);
    const id = idOf(app, args[1]);
    const after = await api.applications.rollback(context.op, ref, { id, prune: values.prune });
    const { operation } = await waitFor(context, api, {
      ref,
      conditions: { operation: true },
      timeoutMs: values.timeout * 1000,
      output: values.output,
      after,
    });
    if (operation?.phase === "Succeeded") return 0;
    context.err.line(`driftless: Operation has completed with phase: ${operation?.phase ?? "unknown"}.`);
    return 1;
  },
});

function idOf(app: Application, given: string | undefined): number {
  const history = app.status?.history ?? [];
  const name = app.metadata.name ?? "";
  if (given === undefined) {
    const before = history.at(-2);
    if (!before)
      throw new DriftlessError(
        "FAILED_PRECONDITION",
        `Application '${name}' should have at least two successful deployments`,
      );
    return before.id;
  }
  if (!/^\d+$/.test(given)) throw new DriftlessError("INVALID_ARGUMENT", `"${given}" is not the id of a deployment`);
  const found = history.find((item) => item.id === Number(given));
  if (!found)
    throw new DriftlessError("NOT_FOUND", `Application '${name}' does not have deployment id '${given}' in history`);
  return found.id;
}
