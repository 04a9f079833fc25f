import { expect, test } from "vitest";
import type { Application } from "#model/application.ts";
import { withMaskedManifests } from "./masked-manifests.ts";

const secret = JSON.stringify({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "s" },
  stringData: { password: "hunter2" },
});
const app = (extra: object): Application =>
  ({ apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata: { name: "a" }, spec: {}, ...extra }) as never;

test("Secrets that a local sync brought are masked, under way and ended", () => {
  const operation = { sync: { prune: true, manifests: [secret, '{"kind":"ConfigMap"}', "Secret, but no JSON"] } };
  const shown = withMaskedManifests(app({ operation, status: { operationState: { operation, phase: "Running" } } }));
  expect(JSON.stringify(shown)).not.toContain("hunter2");
  expect(shown.operation?.sync?.manifests).toHaveLength(3);
  expect(shown.operation?.sync?.manifests?.[1]).toBe('{"kind":"ConfigMap"}');
  expect(shown.status?.operationState).toMatchObject({ phase: "Running", operation: { sync: { prune: true } } });
});

test("an application without a local sync is answered as it is", () => {
  const plain = app({ operation: { sync: { prune: true } } });
  expect(withMaskedManifests(plain)).toBe(plain);
});
