// `driftless app delete-resource`.
import { agreed } from "../../asking.ts";
import { command } from "../../command.ts";
import { bool } from "../../flags.ts";
import { deleteObject, liveObjectFlags, matching } from "../../server/live-objects.ts";
import { parseName } from "../../names.ts";

export default command({
  usage: "APPNAME",
  about: "Deletes live objects. What Git still has is missing then, and comes back with the next sync.",
  examples: [
    ["One object", "driftless app delete-resource my-app --kind Job --resource-name migrate"],
    [
      "All ConfigMaps, not waiting for what they own",
      "driftless app delete-resource my-app --kind ConfigMap --all --force",
    ],
  ],
  flags: {
    ...liveObjectFlags,
    force: bool("Delete at once, without grace"),
    orphan: bool("Leave what the resource owns"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const { op } = context;
    const { group, force, orphan, ...wanted } = values;
    const api = await context.api();
    const ref = {
      ...parseName(args[0]!, values["app-namespace"]),
      ...(values.project ? { project: values.project } : {}),
    };
    const resources = await api.applications.managedResources(op, ref);
    for (const target of matching(resources, { ...wanted, ...(given.has("group") ? { group } : {}) })) {
      const shown = `${target.group}/${target.kind} ${target.namespace}/${target.resourceName}`;
      if (!(await agreed(context, given, `Are you sure you want to delete ${shown} ? [y/n]`))) {
        context.out.line(`The command to delete ${shown} was cancelled.`);
        continue;
      }
      await deleteObject(op, api, { ref, target, force, orphan });
      op.log.info(`Resource '${target.resourceName}' deleted`);
    }
  },
});
