// `driftless app get-resource`.
import type { KubernetesObject } from "#model/object.ts";
import { command } from "../../command.ts";
import { bool, list, text } from "../../flags.ts";
import { flattened, liveObjectFlags, onlyFields, readObject } from "../../server/live-objects.ts";
import { parseName } from "../../names.ts";
import { checkOutput, document } from "../../view/print.ts";
import { oneLine, table } from "../../view/table.ts";

const { all: _all, namespace: _namespace, ...which } = liveObjectFlags;

export default command({
  usage: "APPNAME",
  about: "Shows live objects of the application's tree: what it consists of, and what controllers made of that.",
  examples: [
    ["One object", "driftless app get-resource my-app --kind Deployment --resource-name web -o yaml"],
    ["Fields of all objects of a kind", "driftless app get-resource my-app --kind Pod --filter-fields status.podIP"],
  ],
  flags: {
    ...which,
    "filter-fields": list("Fields to show, e.g. status.podIP; separated by commas, all where none is named"),
    "show-managed-fields": bool("Show metadata.managedFields, too"),
    output: text("Output format: wide, json, yaml", { short: "o", fallback: "wide" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const { output, group, kind } = values;
    checkOutput(output, ["wide", "json", "yaml"]);
    const api = await context.api();
    const ref = {
      ...parseName(args[0]!, values["app-namespace"]),
      ...(values.project ? { project: values.project } : {}),
    };
    const name = values["resource-name"];
    const { nodes } = await api.applications.tree(context.op, ref);
    const wanted = (nodes ?? []).filter(
      (node) =>
        node.uid !== undefined &&
        node.kind === kind &&
        (name === "" || node.name === name) &&
        (group === "" || node.group === group),
    );
    const objects: KubernetesObject[] = [];
    for (const node of wanted) {
      const target = {
        group: node.group ?? "",
        version: node.version ?? "",
        kind,
        namespace: node.namespace ?? "",
        resourceName: node.name,
      };
      objects.push(shaped(await readObject(context.op, api, ref, target), values));
    }
    if (output === "json" || output === "yaml") {
      const documents: string[] = [];
      for (const object of objects) documents.push(await document(object, output));
      context.out.write(documents.join("---\n"));
    } else {
      const rows = objects.flatMap((object) => rowsOf(object, { named: name === "", filtered: isFiltered(values) }));
      context.out.write(table([name === "" ? ["FIELD", "RESOURCE NAME", "VALUE"] : ["FIELD", "VALUE"], ...rows]));
    }
    if (objects.length === 0)
      context.op.log.warn(`no live ${kind}${name === "" ? "" : ` ${name}`} belongs to ${args[0]}`);
  },
});

interface Shape {
  readonly "filter-fields": readonly string[];
  readonly "show-managed-fields": boolean;
}

const isFiltered = (shape: Shape): boolean => shape["filter-fields"].length > 0;

function shaped(object: KubernetesObject, shape: Shape): KubernetesObject {
  const { managedFields, ...metadata } = object.metadata;
  const shown = shape["show-managed-fields"] || managedFields === undefined ? object : { ...object, metadata };
  return isFiltered(shape) ? onlyFields(shown, shape["filter-fields"]) : shown;
}

/** The lines of one object. Where fields are chosen, the name stands in its column alone. */
function rowsOf(object: KubernetesObject, how: { named: boolean; filtered: boolean }): string[][] {
  return flattened(object)
    .filter(([field]) => !(how.filtered && field === "metadata.name"))
    .map(([field, value]) => [field, ...(how.named ? [object.metadata.name ?? ""] : []), oneLine(value)]);
}
