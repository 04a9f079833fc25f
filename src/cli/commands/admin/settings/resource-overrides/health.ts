// `driftless admin settings resource-overrides health`: the health that an object of a file would have.
import { settingsFlags } from "../../../../admin/flags.ts";
import { tryOverrides } from "../../../../admin/settings.ts";
import { command } from "../../../../command.ts";

export default command({
  usage: "RESOURCE_YAML_PATH",
  about: "By the script of resource.customizations.health, else by the built-in check, as for a live object.",
  examples: [
    [
      "By a file of settings",
      "driftless admin settings resource-overrides health ./deploy.yaml --argocd-cm-path ./argocd-cm.yaml",
    ],
  ],
  flags: settingsFlags,
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    await tryOverrides(context, { values, path: args[0]! }, async ({ object, kind, overrides }) => {
      const health = await overrides.health(context.op, object);
      if (!health) {
        context.out.line(`Health script is not configured for '${kind}'`);
        return;
      }
      context.out.line(`STATUS: ${health.status}`);
      context.out.line(`MESSAGE: ${health.message ?? ""}`);
    });
  },
});
