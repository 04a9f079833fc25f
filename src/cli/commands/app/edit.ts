// `driftless app edit`: the spec as YAML in an editor; what it is changed to is sent. Nothing changed: nothing sent.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import { isObject, sameJson } from "#base/json.ts";
import type { ApplicationSpec } from "#model/application.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { text } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { yamlText } from "../../view/print.ts";

export default command({
  usage: "APPNAME",
  about: "The editor is the one that KUBE_EDITOR or EDITOR names, else vi.",
  examples: [["Edit the spec", "driftless app edit my-app"]],
  flags: { "app-namespace": text("Namespace of the application", { short: "N" }) },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const app = await api.applications.get(context.op, ref);
    const spec = await edited(context, ref.name, app.spec);
    if (sameJson(spec, app.spec)) {
      context.out.line("Edit cancelled, no changes made.");
      return;
    }
    await api.applications.updateSpec(context.op, ref, spec, { validate: true });
    context.out.line(`application '${ref.name}' edited`);
  },
});

async function edited(context: Context, name: string, spec: ApplicationSpec): Promise<ApplicationSpec> {
  const editor = context.env["KUBE_EDITOR"] || context.env["EDITOR"] || "vi";
  const [program = "vi", ...args] = editor.split(/\s+/);
  const dir = mkdtempSync(join(tmpdir(), "driftless-edit-"));
  const file = join(dir, `${name}-edit.yaml`);
  try {
    writeFileSync(file, await yamlText(spec), { mode: 0o600 });
    const code = await context.runProgram(program, [...args, file]).catch(() => {
      throw new DriftlessError("CONFIG_INVALID", `the editor ${program} cannot be run; set EDITOR to another`);
    });
    if (code !== 0)
      throw new DriftlessError("CONFIG_INVALID", `the editor ${program} ended with ${code}; nothing was changed`);
    const { load } = await import("js-yaml");
    const content: unknown = load(readFileSync(file, "utf8"));
    if (!isObject(content)) throw new DriftlessError("INVALID_ARGUMENT", "the edited text is not a spec");
    return content as unknown as ApplicationSpec;
  } catch (thrown) {
    if (thrown instanceof DriftlessError) throw thrown;
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `the edited text is not YAML: ${(thrown as Error).message.split("\n")[0]}`,
      { cause: thrown },
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
