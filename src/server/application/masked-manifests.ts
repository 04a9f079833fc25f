// The manifests that a local sync brought, as answers may show them: they stand in the Application's operation as they were
// sent, Secrets' values included. Pure.
import { maskSecrets } from "#core/compare/mask.ts";
import type { Application, Operation } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";

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
