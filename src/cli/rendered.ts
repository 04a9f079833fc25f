// An application's manifests as flags ask for them: followed, at other revisions, or of local files. Shared by `app manifests`
// and `app render`.
import { DriftlessError } from "#base/errors.ts";
import type { AppRef, ManifestsAnswer } from "./api.ts";
import type { Context } from "./context.ts";
import { sendFiles } from "./local-target.ts";
import { revisionQuery } from "./source-choice.ts";

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
