// `driftless app patch`.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { yamlText } from "../../view/print.ts";

export default command({
  usage: "APPNAME",
  examples: [
    [
      "By JSON patch",
      `driftless app patch my-app --patch '[{"op": "replace", "path": "/spec/source/path", "value": "other"}]'`,
    ],
    [
      "By merge patch",
      `driftless app patch my-app --type merge --patch '{"spec": {"source": {"targetRevision": "main"}}}'`,
    ],
  ],
  flags: {
    patch: text("The patch"),
    type: text("Type of the patch: json, merge", { fallback: "json", choices: ["json", "merge"] }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    try {
      JSON.parse(values.patch);
    } catch (thrown) {
      throw new DriftlessError("INVALID_ARGUMENT", `--patch is not JSON: ${(thrown as Error).message}`, {
        cause: thrown,
      });
    }
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const app = await api.applications.patch(context.op, ref, values.patch, values.type);
    context.out.line(await yamlText(app));
  },
});
