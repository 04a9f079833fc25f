// Sends a person's files for one application: only what differs from a commit that the server has, where it can be told,
// else all files of the repository.
import { toError } from "#base/errors.ts";
import { sourcesOf, type Application } from "#model/application.ts";
import type { Upload } from "../server/api.ts";
import type { Context } from "../context.ts";
import { packAll, packChanges, placeOf } from "./local-files.ts";

export interface LocalFlags {
  /** The application's folder; with `serverSide` the repository's root, as in argocd. */
  readonly local: string;
  readonly root?: string;
  readonly serverSide?: boolean;
  /** Patterns of names of files to send; all files where there are none. */
  readonly include?: readonly string[];
}

/** Calls `send` with the files; again with all of them where the server does not know the commit they were laid over. */
export async function sendFiles<T>(
  context: Context,
  app: Application,
  flags: LocalFlags,
  send: (upload: Upload) => Promise<T>,
): Promise<T> {
  const sourcePath = sourcesOf(app.spec)[0]?.path ?? "";
  const include = flags.include?.length ? { include: flags.include } : {};
  if (flags.serverSide === true)
    return send(await packAll(context, placeOf(flags.local, { root: flags.local }).root, include));
  const { root, path } = placeOf(flags.local, {
    ...(flags.root === undefined ? {} : { root: flags.root }),
    sourcePath,
  });
  const folder = path === (sourcePath.replace(/^(\.?\/)+|\/+$/g, "") || ".") ? undefined : path;
  const changes = flags.include?.length ? undefined : await packChanges(context, root, folder);
  if (changes) {
    try {
      return await send(changes);
    } catch (thrown) {
      // The commit is of another repository than the application's, or was never pushed there.
      if (toError(thrown).code !== "NOT_FOUND") throw thrown;
    }
  }
  return send(await packAll(context, root, { ...include, ...(folder === undefined ? {} : { path: folder }) }));
}
