// In whose name requests to a destination are sent: our own, or the service account that the project names.
import { DriftlessError } from "#base/errors.ts";
import { serviceAccountFor } from "#core/policy/impersonation.ts";
import type { ObjectClient } from "#kube/types.ts";
import type { Application, AppProject } from "#model/application.ts";
import type { Settings } from "#model/settings.ts";
import type { DestinationCluster } from "../deps.ts";

/**
 * The client that changes an application's objects. Error: PERMISSION_DENIED where impersonation is on and the project
 * names no service account for the destination.
 */
export function clientFor(
  app: Application,
  given: { readonly project: AppProject; readonly cluster: DestinationCluster; readonly settings: Settings },
): ObjectClient {
  const { project, cluster, settings } = given;
  if (!settings.syncImpersonation) return cluster.client;
  const account = serviceAccountFor(project.spec, {
    server: cluster.server,
    namespace: app.spec.destination.namespace ?? "",
    applicationNamespace: app.metadata.namespace ?? "",
  });
  if (account.ok) return cluster.client.impersonating(account.value);
  throw new DriftlessError(
    "PERMISSION_DENIED",
    `failed to find a matching service account to impersonate: ${account.error}`,
    { details: { field: "spec.destinationServiceAccounts", resource: `AppProject ${project.metadata.name ?? ""}` } },
  );
}
