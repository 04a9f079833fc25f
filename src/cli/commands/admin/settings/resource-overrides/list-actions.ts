// `driftless admin settings resource-overrides list-actions`: the actions that an object of a file would have.
import { settingsFlags } from "../../../../admin/flags.ts";
import { tryOverrides } from "../../../../admin/settings.ts";
import { command } from "../../../../command.ts";
import { table } from "../../../../view/table.ts";

export default command({
  usage: "RESOURCE_YAML_PATH",
  about: "Those of resource.customizations.actions, and the built-in ones where they count, as for a live object.",
  examples: [
    [
      "By a file of settings",
      "driftless admin settings resource-overrides list-actions ./deploy.yaml --argocd-cm-path ./argocd-cm.yaml",
    ],
  ],
  flags: settingsFlags,
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    await tryOverrides(context, { values, path: args[0]! }, async ({ object, kind, overrides }) => {
      const actions = await overrides.actions(context.op, object);
      if (actions.length === 0) context.out.line(`Actions are not configured for '${kind}'`);
      else
        context.out.write(
          table([["NAME", "DISABLED"], ...actions.map(({ name, disabled }) => [name, String(disabled ?? false)])]),
        );
    });
  },
});
