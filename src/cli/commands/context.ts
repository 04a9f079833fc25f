// `driftless context`: the contexts of the configuration file.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../command.ts";
import { bool } from "../flags.ts";
import { table } from "../view/table.ts";

export default command({
  usage: "[CONTEXT]",
  examples: [
    ["List contexts", "driftless context"],
    ["Switch to one", "driftless context cd.example.com"],
    ["Delete one", "driftless context cd.example.com --delete"],
  ],
  flags: { delete: bool("Delete the context") },
  args: { min: 0, max: 1 },
  async run(context, { values, args }) {
    const config = await context.config();
    const name = args[0];
    if (name === undefined) {
      if (values.delete) throw new DriftlessError("INVALID_ARGUMENT", "which context? driftless context NAME --delete");
      const rows = config.contexts.map((item) => [item.name === config.current ? "*" : "", item.name, item.server]);
      context.out.write(table([["CURRENT", "NAME", "SERVER"], ...rows]));
      return;
    }
    if (values.delete) {
      config.remove(name);
      await config.save();
      context.out.line(`Context '${name}' deleted`);
      return;
    }
    if (config.current === name) {
      context.out.line(`Already at context '${name}'`);
      return;
    }
    config.use(name);
    await config.save();
    context.out.line(`Switched to context '${name}'`);
  },
});
