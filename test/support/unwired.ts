// The API's services with nothing behind them: for tests that ask what there is, and call nothing.
import type { ApplicationService } from "#server/application/service.ts";
import { apiServices, type ApiDeps } from "#server/services.ts";

/** Stands for everything. */
const anything: unknown = new Proxy(() => {}, { get: () => anything, apply: () => anything });
const names = [
  "accounts",
  "clusters",
  "control",
  "controller",
  "projects",
  "rbac",
  "secrets",
  "sessions",
  "access",
  "metrics",
];
const deps: unknown = {
  ...Object.fromEntries(names.map((name) => [name, anything])),
  namespace: "argocd",
  version: "0",
  applications: { resourceVersion: "1", subscribe: () => () => {}, values: () => [], get: () => undefined },
};
const service = anything as ApplicationService;

export const unwired = { deps: deps as ApiDeps, service, services: () => apiServices(deps as ApiDeps, service) };
