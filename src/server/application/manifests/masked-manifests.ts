// The manifests that a local sync brought, as answers may show them: they stand in the Application's operation as they were
// sent, Secrets' values included. Pure.
import { maskSecrets } from "#core/compare/mask.ts";
import type { Application, Operation } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";

/** The application with the values of Secrets, and those of these annotations of theirs, masked in what a local sync brought. */
export function withMaskedManifests(app: Application, annotations: readonly string[] = []): Application {
  const last = app.status?.operationState;
  const local = (operation: Operation | undefined): boolean => (operation?.sync?.manifests?.length ?? 0) > 0;
  if (!local(app.operation) && !local(last?.operation)) return app;
  return {
    ...app,
    ...(app.operation ? { operation: masked(app.operation, annotations) } : {}),
    status: {
      ...app.status,
      ...(last ? { operationState: { ...last, operation: masked(last.operation, annotations) } } : {}),
    },
  };
}

function masked(operation: Operation, annotations: readonly string[]): Operation {
  const { sync } = operation;
  if (!sync?.manifests) return operation;
  return { ...operation, sync: { ...sync, manifests: sync.manifests.map((text) => maskedText(text, annotations)) } };
}

function maskedText(text: string, annotations: readonly string[]): string {
  if (!text.includes("Secret")) return text;
  try {
    return JSON.stringify(maskSecrets({ object: JSON.parse(text) as KubernetesObject }, annotations).object);
  } catch {
    return "";
  }
}
