// `driftless app patch-resource`.
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { liveObjectFlags, matching, patchObject } from "../../server/live-objects.ts";
import { parseName } from "../../names.ts";

export default command({
  usage: "APPNAME",
  about: "Patches live objects. What Git says otherwise is drift, and a sync takes it back.",
  examples: [
    [
      "Scale by hand",
      `driftless app patch-resource my-app --kind Deployment --resource-name web --patch '{"spec": {"replicas": 3}}'`,
    ],
    [
      "By a JSON patch",
      `driftless app patch-resource my-app --kind ConfigMap --resource-name web --patch-type application/json-patch+json --patch '[{"op": "remove", "path": "/data/old"}]'`,
    ],
  ],
  flags: {
    ...liveObjectFlags,
    patch: text("The patch, as JSON", { required: true }),
    "patch-type": text(
      "Kind of patch: application/merge-patch+json, application/json-patch+json, application/strategic-merge-patch+json",
      { fallback: "application/merge-patch+json" },
    ),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const { op } = context;
    const api = await context.api();
    const ref = {
      ...parseName(args[0]!, values["app-namespace"]),
      ...(values.project ? { project: values.project } : {}),
    };
    const { group, ...wanted } = values;
    const resources = await api.applications.managedResources(op, ref);
    for (const target of matching(resources, { ...wanted, ...(given.has("group") ? { group } : {}) })) {
      await patchObject(op, api, { ref, target, patch: values.patch, patchType: values["patch-type"] });
      op.log.info(`Resource '${target.resourceName}' patched`);
    }
  },
});
