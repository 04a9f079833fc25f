// `driftless app remove-source`.
import { DriftlessError } from "#base/errors.ts";
import { agreed } from "../../asking.ts";
import { command } from "../../command.ts";
import { int, text } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { sourceIndex } from "../../flags/source-choice.ts";

export default command({
  usage: "APPNAME",
  examples: [
    ["By position, counted from 1", "driftless app remove-source my-app --source-position 1"],
    ["By name", "driftless app remove-source my-app --source-name values"],
  ],
  flags: {
    "source-position": int("Which of several sources, counted from 1", { fallback: -1 }),
    "source-name": text("Which of several sources, by name"),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const name = values["source-name"];
    const refuse = (sentence: string): never => {
      throw new DriftlessError("INVALID_ARGUMENT", sentence);
    };
    if (name === "" && values["source-position"] <= 0) refuse("Value of source-position must be greater than 0.");
    if (name !== "" && values["source-position"] !== -1)
      refuse("Only one of source-position and source-name can be specified.");
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const app = await api.applications.get(context.op, ref);
    const sources = app.spec.sources ?? [];
    if (sources.length === 0) refuse("Application does not have multiple sources configured");
    if (sources.length === 1) refuse("Cannot remove the only source remaining in the app");
    const removed = sourceIndex(app, values);
    if (!(await agreed(context, given, "Are you sure you want to delete the source? [y/n]"))) {
      context.out.line("The command to delete the source was cancelled");
      return;
    }
    const spec = { ...app.spec, sources: sources.filter((_source, index) => index !== removed) };
    await api.applications.updateSpec(context.op, ref, spec, { validate: true });
    context.out.line(`Application '${ref.name}' updated successfully`);
  },
});
