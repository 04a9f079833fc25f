// `driftless app actions run`.
import { DriftlessError } from "#base/errors.ts";
import type { ActionTarget } from "../../../server/api.ts";
import { command } from "../../../command.ts";
import { bool, texts } from "../../../flags.ts";
import { parseName } from "../../../names.ts";
import { targetFlags, targetsOf } from "./targets.ts";

export default command({
  usage: "APPNAME ACTION",
  about: "The action is run where the resource has it and it is not disabled; driftless app actions list shows that.",
  examples: [
    ["Restart a Deployment", "driftless app actions run my-app restart --kind Deployment --resource-name web"],
    ["Restart them all", "driftless app actions run my-app restart --kind Deployment --all"],
    ["With a parameter", "driftless app actions run my-app scale --kind Deployment --param replicas=3"],
  ],
  flags: {
    ...targetFlags,
    all: bool("Run the action on each of several matching resources"),
    param: texts("A parameter of the action, as NAME=VALUE; may be repeated"),
  },
  args: { min: 2, max: 2 },
  async run(context, { values, args }) {
    const [name = "", action = ""] = args;
    const params = values.param.map((text) => {
      const at = text.indexOf("=");
      if (at <= 0) throw new DriftlessError("INVALID_ARGUMENT", `--param takes NAME=VALUE, not "${text}"`);
      return { name: text.slice(0, at), value: text.slice(at + 1) };
    });
    const api = await context.api();
    const ref = parseName(name, values["app-namespace"]);
    const found: ActionTarget[] = [];
    for (const target of await targetsOf(context.op, api, ref, values)) {
      const actions = await api.applications.actions(context.op, ref, target);
      if (actions.some((one) => one.name === action)) found.push(target);
    }
    if (found.length === 0)
      throw new DriftlessError("NOT_FOUND", `no matching resource of ${name} has an action "${action}"`);
    if (found.length > 1 && !values.all)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `${found.length} resources match: narrow it down with --kind, --group, --namespace and --resource-name, or use --all`,
      );
    for (const target of found) await api.applications.runAction(context.op, ref, { ...target, action, params });
  },
});
