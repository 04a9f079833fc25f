// `driftless admin settings resource-overrides ignore-differences`: which fields of an object comparing leaves out.
import { settingsFlags } from "../../../../admin/flags.ts";
import { tryOverrides } from "../../../../admin/settings.ts";
import { command } from "../../../../command.ts";
import { printLeftOut } from "./left-out.ts";

export default command({
  usage: "RESOURCE_YAML_PATH",
  about:
    "By resource.customizations.ignoreDifferences. Fields of field managers are not among them: only a live object tells whose they are.",
  examples: [
    [
      "By a file of settings",
      "driftless admin settings resource-overrides ignore-differences ./deploy.yaml --argocd-cm-path ./argocd-cm.yaml",
    ],
  ],
  flags: settingsFlags,
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    await tryOverrides(context, { values, path: args[0]! }, async (tried) =>
      printLeftOut(context, tried, {
        setting: "ignoreDifferences",
        words: "Ignore differences",
        left: await tried.overrides.withoutDifferences(context.op, tried.object),
      }),
    );
  },
});
