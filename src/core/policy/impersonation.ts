// Which service account a sync acts as. Pure. Source: Argo CD's "Application Sync using impersonation".
import { fail, ok, type Result } from "#base/result.ts";
import type { AppProjectSpec } from "#model/application.ts";
import { glob } from "./glob.ts";

/** Where an application goes, and where it stands itself. */
interface Destination {
  /** The cluster's address. */
  readonly server: string;
  /** `spec.destination.namespace`; "" where there is none. */
  readonly namespace: string;
  readonly applicationNamespace: string;
}

const forbidden = /[!*[\]{}\\/]/;

/**
 * The user name (`system:serviceaccount:NAMESPACE:NAME`) of the first of the project's destinationServiceAccounts that
 * matches; or why there is none. An account without a namespace is the destination's, or else the application's.
 */
export function serviceAccountFor(project: AppProjectSpec, destination: Destination): Result<string, string> {
  const { server, namespace, applicationNamespace } = destination;
  const own = namespace || applicationNamespace;
  for (const entry of project.destinationServiceAccounts ?? []) {
    if (!glob(entry.server ?? "")(server) || !glob(entry.namespace ?? "")(namespace)) continue;
    const account = entry.defaultServiceAccount ?? "";
    if (account.trim() === "" || forbidden.test(account)) {
      return fail(`default service account contains invalid chars '${account}'`);
    }
    return ok(`system:serviceaccount:${account.includes(":") ? account : `${own}:${account}`}`);
  }
  return fail(`no matching service account found for destination server ${server} and namespace ${own}`);
}
