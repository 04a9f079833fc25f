// `driftless admin app diff-reconcile-results`: what differs between two files of `get-reconcile-results`.
import { DriftlessError } from "#base/errors.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import { command } from "../../../command.ts";
import type { Context } from "../../../context.ts";
import { diffLines, painted } from "../../../local/diffing.ts";
import { readPlace } from "../../../local/files.ts";
import { yamlText } from "../../../view/print.ts";

export default command({
  usage: "PATH1 PATH2",
  examples: [["Two times", "driftless admin app diff-reconcile-results before.yaml after.yaml"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    const [before, after] = [await resultsIn(context, args[0]!), await resultsIn(context, args[1]!)];
    for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
      context.out.line(name);
      const [first = "", second = ""] = [before.get(name), after.get(name)];
      if (first === second) continue;
      const lines = await diffLines([args[0]!, args[1]!], first, second);
      context.out.write(lines.map((line) => painted(line, context.paint)).join("\n"));
    }
  },
});

/** Each application's result as YAML, by name. Error: CONFIG_INVALID. */
async function resultsIn(context: Context, path: string): Promise<ReadonlyMap<string, string>> {
  const { load } = await import("js-yaml");
  let content: unknown;
  try {
    content = load(await readPlace(context, path));
  } catch (thrown) {
    if (thrown instanceof DriftlessError) throw thrown;
    throw new DriftlessError("CONFIG_INVALID", `${path}: ${(thrown as Error).message.split("\n")[0]}`);
  }
  if (!isObject(content) || content["applications"] === undefined)
    throw new DriftlessError("CONFIG_INVALID", `${path} holds no results of get-reconcile-results`);
  const found = new Map<string, string>();
  for (const item of listAt(content, "applications")) found.set(stringAt(item, "name") ?? "", await yamlText(item));
  return found;
}
