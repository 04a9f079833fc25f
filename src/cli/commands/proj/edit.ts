// `driftless proj edit`.
import { sameJson } from "#base/json.ts";
import { command } from "../../command.ts";
import { edited } from "../../local/editing.ts";
import { changeSpec } from "../../server/project-change.ts";

export default command({
  usage: "PROJECT",
  about: "The editor is the one that KUBE_EDITOR or EDITOR names, else vi.",
  examples: [["Edit the spec", "driftless proj edit payments"]],
  flags: {},
  args: { min: 1, max: 1 },
  async run(context, { args }) {
    const name = args[0]!;
    const written = await changeSpec(context, name, async (spec) => {
      const changed = await edited(context, name, spec);
      return sameJson(changed, spec) ? undefined : changed;
    });
    context.out.line(written ? `project '${name}' edited` : "Edit cancelled, no changes made.");
  },
});
