// Syncs of files that a person has: rendered by the server, then an operation that brings its own manifests, as Argo CD's
// `app sync --local` makes one. The manifests stand in the Application until the next operation; answers mask Secrets (masked-manifests.ts).
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Application } from "#model/application.ts";
import type { LocalFiles } from "./manifests.ts";
import type { SyncRequest } from "../operations/operations.ts";
import type { AppRef } from "../queries.ts";
import type { ApplicationService } from "../service.ts";

/**
 * Starts a sync of files. Errors: FAILED_PRECONDITION (several sources; automated, unless it is a dry run), those of the
 * archive, of rendering and of `sync`.
 */
export async function syncFiles(
  op: Op,
  service: ApplicationService,
  what: { readonly ref: AppRef; readonly files: LocalFiles; readonly request: SyncRequest; readonly username: string },
): Promise<Application> {
  const { ref, files, request, username } = what;
  const state = service.queries.state(ref);
  if (state.app.spec.sources?.length)
    throw new DriftlessError("FAILED_PRECONDITION", "an application with several sources has no local sync");
  const desired = await service.manifests.desiredOfFiles(op, state, files);
  const manifests = [...desired.objects.values(), ...desired.hooks].map(({ object }) => JSON.stringify(object));
  if (manifests.length === 0)
    throw new DriftlessError("FAILED_PRECONDITION", "the files hold no object: nothing would be synced");
  return service.operations.sync(op, ref, { ...request, manifests }, username);
}
