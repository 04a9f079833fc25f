// `driftless cluster set`.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { text, texts } from "../../flags.ts";
import { pairs } from "../../flags/pairs.ts";
import { clusters, type Cluster } from "../../server/services.ts";

export default command({
  usage: "NAME",
  about: "What no flag names stays. Labels and annotations are replaced as a whole.",
  examples: [
    ["Another name", "driftless cluster set staging --name test"],
    ["Only some namespaces", "driftless cluster set test --namespace web --namespace api"],
    ["All of them again", "driftless cluster set test --namespace '*'"],
  ],
  flags: {
    name: text("New name"),
    namespace: texts("Namespace that may be managed, * for all; may be repeated"),
    label: texts("Label KEY=VALUE; may be repeated"),
    annotation: texts("Annotation KEY=VALUE; may be repeated"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const selector = args[0]!;
    const cluster: Partial<Cluster> = {
      ...(given.has("name") ? { name: values.name } : {}),
      ...(given.has("namespace") ? { namespaces: values.namespace.includes("*") ? [] : values.namespace } : {}),
      ...(given.has("label") ? { labels: pairs("label", values.label) } : {}),
      ...(given.has("annotation") ? { annotations: pairs("annotation", values.annotation) } : {}),
    };
    const fields = Object.keys(cluster);
    if (fields.length === 0)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        "Specify the cluster field to be updated; see driftless cluster set --help",
      );
    await clusters.update(context.op, await context.api(), selector, { cluster, fields });
    context.out.line(`Cluster '${selector}' updated.`);
  },
});
