// `driftless admin settings resource-overrides run-action`: what an action would make of an object of a file.
import { settingsFlags } from "../../../../admin/flags.ts";
import { tryOverrides } from "../../../../admin/settings.ts";
import { command } from "../../../../command.ts";
import { texts } from "../../../../flags.ts";
import { pairs } from "../../../../flags/pairs.ts";
import { yamlText } from "../../../../view/print.ts";
import { printChange } from "./left-out.ts";

export default command({
  usage: "RESOURCE_YAML_PATH ACTION",
  about: "Changes nothing: prints how the object would be, and which others would be made.",
  examples: [
    [
      "By a file of settings",
      "driftless admin settings resource-overrides run-action ./deploy.yaml restart --argocd-cm-path ./argocd-cm.yaml",
    ],
  ],
  flags: { ...settingsFlags, param: texts("Parameter of the action, NAME=VALUE; may be repeated") },
  args: { min: 2, max: 2 },
  async run(context, { values, args }) {
    const action = args[1]!;
    const params = pairs("param", values.param);
    await tryOverrides(context, { values, path: args[0]! }, async ({ object, overrides }) => {
      const changes = await overrides.run(context.op, object, { action, params });
      if (changes.length === 0) context.out.line(`No fields had been changed by action:\n${action}`);
      for (const change of changes) {
        if (change.operation === "create") {
          context.out.line(`Following resource was created:\n${await yamlText(change.object)}`);
          continue;
        }
        context.out.line("Following fields have been changed:\n");
        await printChange(context, object, change.object);
      }
    });
  },
});
