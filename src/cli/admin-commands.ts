// The commands of `driftless admin`, as commands.ts lists them: they work on the cluster of the kubeconfig or on local
// files, without our server. Each is loaded when it is run.
import { settingsFlags } from "./admin-flags.ts";
import type { Group, Listed } from "./command.ts";

export const adminGroups: readonly Group[] = [
  { path: "admin", summary: "The installation itself, straight on its cluster: backups, checks of settings, specs" },
  { path: "admin app", summary: "Applications as files, and their states compared" },
  { path: "admin cluster", summary: "Clusters as files, and how they are used" },
  { path: "admin proj", summary: "Projects as files, and their roles changed all at once" },
  { path: "admin repo", summary: "Repositories as files" },
  { path: "admin settings", summary: "Checks of settings, before or after they are applied", flags: settingsFlags },
  { path: "admin settings resource-overrides", summary: "Overrides of the settings, tried on an object of a file" },
  { path: "admin settings rbac", summary: "Checks of RBAC policies" },
];

export const adminCommands: readonly Listed[] = [
  {
    path: "admin app generate-spec",
    summary: "Print an application as a file to be committed",
    load: () => import("./commands/admin/app/generate-spec.ts"),
  },
  {
    path: "admin cluster generate-spec",
    summary: "Print the Secret of a cluster",
    load: () => import("./commands/admin/cluster/generate-spec.ts"),
  },
  {
    path: "admin export",
    summary: "Print the whole installation as a backup",
    load: () => import("./commands/admin/export.ts"),
  },
  {
    path: "admin import",
    summary: "Bring back a backup",
    load: () => import("./commands/admin/import.ts"),
  },
  {
    path: "admin initial-password",
    summary: "Print the password that was generated for the account admin",
    load: () => import("./commands/admin/initial-password.ts"),
  },
  {
    path: "admin proj generate-spec",
    summary: "Print a project as a file to be committed",
    load: () => import("./commands/admin/proj/generate-spec.ts"),
  },
  {
    path: "admin redis-initial-password",
    summary: "Accepted: no Redis is needed",
    load: () => import("./commands/admin/redis-initial-password.ts"),
  },
  {
    path: "admin repo generate-spec",
    summary: "Print the Secret of a repository",
    load: () => import("./commands/admin/repo/generate-spec.ts"),
  },
  {
    path: "admin settings rbac can",
    summary: "Say whether a policy lets a role or subject do something",
    load: () => import("./commands/admin/settings/rbac/can.ts"),
  },
  {
    path: "admin settings rbac validate",
    summary: "Check an RBAC policy",
    load: () => import("./commands/admin/settings/rbac/validate.ts"),
  },
  {
    path: "admin settings resource-overrides health",
    summary: "Show the health that an object would have",
    load: () => import("./commands/admin/settings/resource-overrides/health.ts"),
  },
  {
    path: "admin settings resource-overrides ignore-differences",
    summary: "Show which fields of an object comparing leaves out",
    load: () => import("./commands/admin/settings/resource-overrides/ignore-differences.ts"),
  },
  {
    path: "admin settings resource-overrides ignore-resource-updates",
    summary: "Show which fields of an object wake nobody when they change",
    load: () => import("./commands/admin/settings/resource-overrides/ignore-resource-updates.ts"),
  },
  {
    path: "admin settings resource-overrides list-actions",
    summary: "List the actions that an object would have",
    load: () => import("./commands/admin/settings/resource-overrides/list-actions.ts"),
  },
  {
    path: "admin settings resource-overrides run-action",
    aliases: ["action"],
    summary: "Show what an action would make of an object",
    load: () => import("./commands/admin/settings/resource-overrides/run-action.ts"),
  },
  {
    path: "admin settings validate",
    summary: "Check settings",
    load: () => import("./commands/admin/settings/validate.ts"),
  },
];
