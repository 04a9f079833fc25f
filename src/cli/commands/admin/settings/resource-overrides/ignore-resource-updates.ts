// `driftless admin settings resource-overrides ignore-resource-updates`: which fields of an object wake nobody when they
// change.
import { settingsFlags } from "../../../../admin/flags.ts";
import { tryOverrides } from "../../../../admin/settings.ts";
import { command } from "../../../../command.ts";
import { duration } from "../../../../flags.ts";
import { printLeftOut } from "./left-out.ts";

export default command({
  usage: "RESOURCE_YAML_PATH",
  about: "By resource.customizations.ignoreResourceUpdates, ignoreDifferences and what is ignored unless told.",
  examples: [
    [
      "By a file of settings",
      "driftless admin settings resource-overrides ignore-resource-updates ./deploy.yaml --argocd-cm-path ./argocd-cm.yaml",
    ],
  ],
  flags: {
    ...settingsFlags,
    "ignore-normalizer-jq-execution-timeout": duration("How long one jq expression may take", { fallback: 1000 }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const flag = "ignore-normalizer-jq-execution-timeout";
    const options = { values, path: args[0]!, ...(given.has(flag) ? { jqTimeoutMs: values[flag] } : {}) };
    await tryOverrides(context, options, async (tried) =>
      printLeftOut(context, tried, {
        setting: "ignoreResourceUpdates",
        words: "Ignore resource updates",
        left: await tried.overrides.withoutUpdates(context.op, tried.object),
      }),
    );
  },
});
