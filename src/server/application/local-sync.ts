// Syncs of files that a person has: rendered by the server, then an operation that brings its own manifests, as Argo CD's
// `app sync --local` makes one. The manifests stand in the Application until the next operation; answers mask Secrets.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { maskSecrets } from "#core/compare/mask.ts";
import type { Application, Operation } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { LocalFiles } from "./manifests.ts";
import type { SyncRequest } from "./operations.ts";
import type { AppRef } from "./queries.ts";
import type { ApplicationService } from "./service.ts";

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

/** The application with the values of Secrets masked in what a local sync brought. */
export function withMaskedManifests(app: Application): Application {
  const last = app.status?.operationState;
  const local = (operation: Operation | undefined): boolean => (operation?.sync?.manifests?.length ?? 0) > 0;
  if (!local(app.operation) && !local(last?.operation)) return app;
  return {
    ...app,
    ...(app.operation ? { operation: masked(app.operation) } : {}),
    status: {
      ...app.status,
      ...(last ? { operationState: { ...last, operation: masked(last.operation) } } : {}),
    },
  };
}

function masked(operation: Operation): Operation {
  const { sync } = operation;
  if (!sync?.manifests) return operation;
  return { ...operation, sync: { ...sync, manifests: sync.manifests.map(maskedText) } };
}

function maskedText(text: string): string {
  if (!text.includes("Secret")) return text;
  try {
    return JSON.stringify(maskSecrets({ object: JSON.parse(text) as KubernetesObject }).object);
  } catch {
    return "";
  }
}
