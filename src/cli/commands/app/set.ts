// `driftless app set`.
import { DriftlessError } from "#base/errors.ts";
import { sourcesOf } from "#model/application.ts";
import { command } from "../../command.ts";
import { readPlace } from "../../local/files.ts";
import { int, text } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { sourceIndex } from "../../flags/source-choice.ts";
import { changeSpec, specFlags } from "../../flags/spec-flags.ts";

export default command({
  usage: "APPNAME",
  examples: [
    ["Follow another branch", "driftless app set my-app --revision release-1.2"],
    ["Sync by itself", "driftless app set my-app --sync-policy automated --self-heal"],
    ["A Helm value of the second source", "driftless app set my-app --source-position 2 --helm-set image.tag=1.2.3"],
  ],
  flags: {
    ...specFlags,
    "source-position": int("Which of several sources, counted from 1", { fallback: -1 }),
    "source-name": text("Which of several sources, by name"),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const changed = [...given].filter((name) => name in specFlags && name !== "validate");
    if (changed.length === 0)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        "Please set at least one option to update: see driftless app set --help",
      );
    const literal = values["values-literal-file"];
    const literalValues = literal === "" ? {} : { literalValues: await readPlace(context, literal) };
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const app = await api.applications.get(context.op, ref);
    const position = sourceIndex(app, values);
    const sourceType =
      sourcesOf(app.spec).length > 1 ? app.status?.sourceTypes?.[position ?? 0] : app.status?.sourceType;
    const spec = changeSpec(app.spec, {
      values,
      given,
      ...literalValues,
      ...(position === undefined ? {} : { position }),
      sourceType,
    });
    await api.applications.updateSpec(context.op, ref, spec, { validate: values.validate });
  },
});
