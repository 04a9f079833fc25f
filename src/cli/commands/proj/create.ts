// `driftless proj create`.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { AppProject } from "#model/application.ts";
import { apiVersion } from "#model/names.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { readPlace } from "../../files.ts";
import { bool, text } from "../../flags.ts";
import { projectFlags, withProjectFlags } from "../../project-flags.ts";
import { projects } from "../../services.ts";

export default command({
  usage: "PROJECT",
  about: "With --file the flags are laid over what the file holds.",
  examples: [
    [
      "For one team",
      "driftless proj create payments --src https://git.example.com/payments.git --dest https://kubernetes.default.svc,payments",
    ],
    ["From a file", "driftless proj create -f payments.yaml --upsert"],
  ],
  flags: {
    ...projectFlags,
    file: text("File, URL or - with the project as YAML or JSON", { short: "f" }),
    upsert: bool("Replace a project of that name"),
  },
  args: { min: 0, max: 1 },
  async run(context, { values, given, args }) {
    const base = values.file === "" ? named(args[0]) : await fromFile(context, values.file, args[0]);
    const project = { ...base, spec: withProjectFlags(base.spec, values, given) };
    await projects.create(context.op, await context.api(), project, values.upsert);
  },
});

function named(name: string | undefined): AppProject {
  if (name === undefined)
    throw new DriftlessError("INVALID_ARGUMENT", "a name is missing; usage: driftless proj create PROJECT");
  return { apiVersion, kind: "AppProject", metadata: { name }, spec: {} };
}

async function fromFile(context: Context, place: string, name: string | undefined): Promise<AppProject> {
  const refuse = (why: string): DriftlessError => new DriftlessError("MANIFEST_INVALID", `${place}: ${why}`);
  const { load } = await import("js-yaml");
  let content: unknown;
  try {
    content = load(await readPlace(context, place));
  } catch (thrown) {
    if (thrown instanceof DriftlessError) throw thrown;
    throw refuse((thrown as Error).message.split("\n")[0]!);
  }
  if (!isObject(content) || content["kind"] !== "AppProject" || !isObject(content["metadata"]))
    throw refuse("it is not an AppProject");
  const project = content as unknown as AppProject;
  if (name !== undefined && name !== project.metadata.name)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `project name '${name}' does not match project spec metadata.name '${project.metadata.name}'`,
    );
  return { ...project, spec: isObject(content["spec"]) ? project.spec : {} };
}
