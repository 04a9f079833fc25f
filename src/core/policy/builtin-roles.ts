// The two roles that every installation has: `role:readonly` and `role:admin`. Pure. Source: the roles that Argo CD's
// "RBAC Configuration" documents.
import type { RuleSet } from "./rbac.ts";

const inProjects = new Set(["applications", "applicationsets", "logs", "exec"]);

const readable = [
  "applications",
  "applicationsets",
  "certificates",
  "clusters",
  "repositories",
  "write-repositories",
  "projects",
  "accounts",
  "gpgkeys",
  "logs",
];

const write = ["create", "update", "delete"];

const administered: readonly (readonly [resource: string, actions: readonly string[]])[] = [
  ["applications", [...write, "update/*", "delete/*", "sync", "rollback", "override", "action/*"]],
  ["applicationsets", ["get", ...write]],
  ["certificates", write],
  ["clusters", write],
  ["repositories", write],
  ["write-repositories", write],
  ["projects", write],
  ["accounts", ["update"]],
  ["gpgkeys", ["create", "delete"]],
  ["exec", ["create", "debug"]],
];

const everything = (resource: string): string => (inProjects.has(resource) ? "*/*" : "*");

export const builtinRoles: RuleSet = {
  rules: [
    ...readable.map((resource) => ["role:readonly", resource, "get", everything(resource), "allow"] as const),
    ...administered.flatMap(([resource, actions]) =>
      actions.map((action) => ["role:admin", resource, action, everything(resource), "allow"] as const),
    ),
  ],
  grants: [
    ["role:admin", "role:readonly"],
    ["admin", "role:admin"],
  ],
};
