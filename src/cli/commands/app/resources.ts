// `driftless app resources`.
import { command } from "../../command.ts";
import { bool, text } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { resourceStates } from "../../view/application.ts";
import { checkOutput } from "../../view/print.ts";
import { table } from "../../view/table.ts";
import { treeText } from "../../view/tree.ts";
import type { ResourceNode } from "#protocol/rest.ts";

export default command({
  usage: "APPNAME",
  examples: [
    ["Resources, with those that nobody manages", "driftless app resources my-app"],
    ["As a tree", "driftless app resources my-app --output tree"],
  ],
  flags: {
    orphaned: bool("Only resources that nobody manages"),
    output: text("Output format: tree, tree=detailed"),
    project: text("Project of the application"),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "tree", "tree=detailed"]);
    const api = await context.api();
    const ref = {
      ...parseName(args[0]!, values["app-namespace"]),
      ...(values.project ? { project: values.project } : {}),
    };
    const tree = await api.applications.tree(context.op, ref);
    const orphaned = tree.orphanedNodes ?? [];
    if (values.output.startsWith("tree")) {
      const app = await api.applications.get(context.op, ref);
      const shown = values.orphaned ? { nodes: orphaned } : { nodes: [...(tree.nodes ?? []), ...orphaned] };
      const nowMs = values.output === "tree=detailed" ? context.clock.now() : undefined;
      context.out.write(treeText(shown, resourceStates(app), nowMs));
      return;
    }
    const row = (node: ResourceNode, isOrphaned: boolean): string[] => [
      node.group ?? "",
      node.kind,
      node.namespace ?? "",
      node.name,
      isOrphaned ? "Yes" : "No",
    ];
    const managed = (tree.nodes ?? []).filter((node) => (node.parentRefs ?? []).length === 0);
    const rows = [
      ...(values.orphaned ? [] : managed.map((node) => row(node, false))),
      ...orphaned.map((node) => row(node, true)),
    ];
    context.out.write(table([["GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED"], ...rows]));
  },
});
