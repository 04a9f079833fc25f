// `driftless app plan`: ours. What a sync would do, in its order, before it runs; or what the running one does and waits for.
import { command } from "../../command.ts";
import { bool, text, texts } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { planSummary, planTable, waitingTable } from "../../view/plan.ts";
import { checkOutput, document } from "../../view/print.ts";

export default command({
  usage: "APPNAME",
  about:
    "Nothing is started. While a sync runs and no flag asks for another plan, its own plan is shown, with results and what it waits for.",
  examples: [
    ["What a sync would do, phase by phase", "driftless app plan my-app"],
    ["Of another revision, with pruning", "driftless app plan my-app --revision v1.2.3 --prune"],
    ["Only one of its resources", "driftless app plan my-app --resource apps:Deployment:web"],
    ["With delete policies and the fields that differ", "driftless app plan my-app -o wide"],
  ],
  flags: {
    revision: text("Plan a sync to this revision"),
    revisions: texts("Revisions of several sources, in their order"),
    prune: bool("Plan a sync that deletes resources that are no longer in Git"),
    resource: texts("Only these resources: GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME; may be repeated"),
    "sync-option": texts("In place of the application's options: NAME=VALUE; may be repeated"),
    strategy: text("Sync strategy: hook, apply"),
    output: text("Output format: wide, json, yaml", { short: "o" }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "json", "yaml"]);
    const api = await context.api();
    const plan = await api.applications.plan(context.op, parseName(args[0]!, values["app-namespace"]), {
      revision: values.revision,
      revisions: values.revisions,
      resources: values.resource,
      syncOptions: values["sync-option"],
      strategy: values.strategy,
      ...(values.prune ? { prune: true } : {}),
    });
    if (values.output === "json" || values.output === "yaml") {
      context.out.write(await document(plan, values.output));
      return plan.refused === undefined ? 0 : 1;
    }
    const of = plan.revisions.filter((revision) => revision !== "").join(", ");
    context.out.line(
      `${plan.running ? "Plan of the running sync" : "Plan of a sync"} to ${of}: ${planSummary(plan) || "nothing to do"}`,
    );
    if (plan.phases.length > 0) context.out.write(`\n${planTable(plan, values.output === "wide")}`);
    if (plan.waitingFor.length > 0) context.out.write(`\n${waitingTable(plan.waitingFor)}`);
    for (const warning of plan.warnings ?? []) context.err.line(`warning: ${warning}`);
    if (plan.refused === undefined) return 0;
    context.err.line(`driftless: the sync would be refused: ${plan.refused}`);
    return 1;
  },
});
