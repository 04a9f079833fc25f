// An application's manifests as flags ask for them: followed, at other revisions, or of local files. Shared by `app manifests`
// and `app render`.
import { DriftlessError } from "#base/errors.ts";
import type { AppRef, ManifestsAnswer } from "../server/api.ts";
import type { Context } from "../context.ts";
import { applicationsIn, readPlace } from "./files.ts";
import { sendFiles } from "./local-target.ts";
import { revisionQuery } from "../flags/source-choice.ts";

/**
 * The manifests of an Application that stands in a file, whether or not the server has it. Errors: INVALID_ARGUMENT where
 * the file holds several or flags contradict it; those of the file and of the server.
 */
export async function renderedOfFile(
  context: Context,
  name: string | undefined,
  flags: {
    readonly file: string;
    readonly local: string;
    readonly root?: string;
    readonly revision: string;
    readonly revisions: readonly string[];
  },
): Promise<ManifestsAnswer> {
  const { file, local, root, revision, revisions } = flags;
  if (revision !== "" || revisions.length > 0)
    throw new DriftlessError("INVALID_ARGUMENT", "with --file, revisions are those that the file says");
  const all = await applicationsIn(file, await readPlace(context, file));
  const found = name === undefined ? all : all.filter(({ metadata }) => metadata.name === name);
  const [app] = found;
  if (!app || found.length > 1)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `${file} holds ${found.length} Applications${name === undefined ? ": say which by its name" : ` of the name ${name}`}`,
    );
  const { applications } = await context.api();
  if (local === "") return applications.manifestsOfWanted(context.op, app);
  return sendFiles(context, app, { local, ...(root === undefined ? {} : { root }) }, (upload) =>
    applications.manifestsOfWanted(context.op, app, upload),
  );
}

/** Errors: INVALID_ARGUMENT where flags contradict each other; those of the server. */
export async function renderedFor(
  context: Context,
  ref: AppRef,
  flags: Parameters<typeof revisionQuery>[1] & { readonly local: string; readonly root?: string },
): Promise<ManifestsAnswer> {
  const { applications } = await context.api();
  const app = await applications.get(context.op, ref);
  const query = revisionQuery(app, flags);
  if (flags.local === "") return applications.manifests(context.op, ref, query);
  if (query) throw new DriftlessError("INVALID_ARGUMENT", "give a revision or --local, not both");
  const { local, root } = flags;
  return sendFiles(context, app, { local, ...(root === undefined ? {} : { root }) }, (upload) =>
    applications.manifestsOfFiles(context.op, ref, upload),
  );
}
