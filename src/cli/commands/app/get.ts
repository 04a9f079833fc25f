// `driftless app get`.
import { DriftlessError } from "#base/errors.ts";
import { sourcesOf } from "#model/application.ts";
import { command } from "../../command.ts";
import { bool, int, text, uint } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { printApplication } from "../../show.ts";
import { conditionsTable, operationText, parametersTable, summary } from "../../view/application.ts";
import { dependenciesTable, waitingTable } from "../../view/plan.ts";
import { checkOutput, document } from "../../view/print.ts";
import { withTimeout } from "../../timeout.ts";

export default command({
  usage: "APPNAME",
  examples: [
    ["An application with its resources", "driftless app get my-app"],
    ["Look at Git and the cluster first", "driftless app get my-app --refresh"],
    ["As a tree, with ages and reasons", "driftless app get my-app -o tree=detailed"],
    ["As YAML", "driftless app get my-app -o yaml"],
  ],
  flags: {
    output: text("Output format: wide, json, yaml, tree, tree=detailed", { short: "o", fallback: "wide" }),
    refresh: bool("Compare anew first"),
    "hard-refresh": bool("Render and compare anew first"),
    "show-operation": bool("Show the last operation"),
    "show-params": bool("Show parameters and overrides"),
    "source-position": int("Show the parameters of this source, counted from 1", { fallback: -1 }),
    "source-name": text("Show the parameters of the source with this name"),
    timeout: uint("Give up after this many seconds"),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "json", "yaml", "tree", "tree=detailed"]);
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const refresh = values["hard-refresh"] ? "hard" : values.refresh ? "normal" : undefined;
    const app = await withTimeout(context, values.timeout * 1000, async (op) =>
      api.applications.withHealth(op, ref, await api.applications.get(op, ref, { refresh })),
    );
    if (values.output === "json" || values.output === "yaml") {
      context.out.write(await document(app, values.output));
      return;
    }
    context.out.write(summary(app, api.url, await api.applications.windows(context.op, ref)));
    if ((app.status?.conditions ?? []).length > 0) context.out.write(`\n${conditionsTable(app)}\n`);
    const { waitingFor, dependsOn = [] } = await api.applications.waiting(context.op, ref);
    if (waitingFor.length > 0) context.out.write(`\n${waitingTable(waitingFor)}\n`);
    if (dependsOn.length > 0) context.out.write(`\n${dependenciesTable(dependsOn)}\n`);
    const operation = app.status?.operationState;
    if (values["show-operation"] && operation) context.out.write(`\n${operationText(operation, context.clock.now())}`);
    if (values["show-params"]) {
      const sources = sourcesOf(app.spec);
      const position = values["source-position"];
      const source = values["source-name"]
        ? sources.find((item) => item.name === values["source-name"])
        : sources[position > 0 ? position - 1 : 0];
      if (!source) throw new DriftlessError("INVALID_ARGUMENT", "the application has no such source");
      context.out.write(parametersTable(source));
    }
    await printApplication(context, api, { ref, app, output: values.output });
  },
});
