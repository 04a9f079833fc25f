// `driftless app add-source`.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { readPlace } from "../../local/files.ts";
import { text } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { addSource, specFlags } from "../../flags/spec-flags.ts";

export default command({
  usage: "APPNAME",
  about:
    "Adds a source behind those that the application has in spec.sources. Flags that are not about a source do nothing.",
  examples: [
    [
      "Values from another repository",
      "driftless app add-source my-app --repo https://git.example.com/values.git --ref values --source-name values",
    ],
    [
      "A chart",
      "driftless app add-source my-app --repo https://charts.example.com --helm-chart redis --revision 18.1.0",
    ],
  ],
  flags: {
    ...specFlags,
    "source-name": text("Name of the source"),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const literal = values["values-literal-file"];
    const literalValues = literal === "" ? {} : { literalValues: await readPlace(context, literal) };
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const app = await api.applications.get(context.op, ref);
    if ((app.spec.sources ?? []).length === 0)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `Cannot add source: application ${ref.name} does not have spec.sources defined`,
      );
    const spec = addSource(app.spec, { values, given, ...literalValues }, values["source-name"]);
    await api.applications.updateSpec(context.op, ref, spec, { validate: values.validate });
    context.out.line(`Application '${ref.name}' updated successfully`);
  },
});
