// A project as the command line describes it: from a file or from nothing, with what flags say laid over it. Sends nothing.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { AppProject } from "#model/application.ts";
import { apiVersion } from "#model/names.ts";
import type { Context } from "../context.ts";
import { readPlace } from "../local/files.ts";
import { text, type Flags, type Parsed } from "../flags.ts";
import { projectFlags, withProjectFlags } from "./project-flags.ts";

export const describedFlags = {
  ...projectFlags,
  file: text("File, URL or - with the project as YAML or JSON", { short: "f" }),
} as const satisfies Flags;

/** The project that the command line describes. Errors: INVALID_ARGUMENT, CONFIG_INVALID, MANIFEST_INVALID. */
export async function describedProject(
  context: Context,
  { values, given, args }: Parsed<typeof describedFlags>,
): Promise<AppProject> {
  const base = values.file === "" ? named(args[0]) : await fromFile(context, values.file, args[0]);
  return { ...base, spec: withProjectFlags(base.spec, values, given) };
}

function named(name: string | undefined): AppProject {
  if (name === undefined)
    throw new DriftlessError("INVALID_ARGUMENT", "a name is missing; give it after the command: PROJECT");
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
