// The commands of `driftless admin`, as commands.ts lists them: they work on the cluster of the kubeconfig or on local
// files, without our server. Each is loaded when it is run.
import { notificationFlags, settingsFlags } from "./flags.ts";
import type { Group, Listed } from "../command.ts";

export const adminGroups: readonly Group[] = [
  { path: "admin", summary: "The installation itself, straight on its cluster: backups, checks of settings, specs" },
  { path: "admin app", summary: "Applications as files, and their states compared" },
  { path: "admin cluster", summary: "Clusters as files, and how they are used" },
  {
    path: "admin cluster namespaces",
    summary: "Namespaces that applications use, by cluster, and clusters restricted to them",
  },
  { path: "admin notifications", summary: "Notifications: what is configured", flags: notificationFlags },
  { path: "admin notifications template", summary: "Templates of notifications" },
  { path: "admin notifications trigger", summary: "Triggers of notifications" },
  { path: "admin proj", summary: "Projects as files, and their roles changed all at once" },
  { path: "admin repo", summary: "Repositories as files" },
  { path: "admin settings", summary: "Checks of settings, before or after they are applied", flags: settingsFlags },
  { path: "admin settings resource-overrides", summary: "Overrides of the settings, tried on an object of a file" },
  { path: "admin settings rbac", summary: "Checks of RBAC policies" },
];

export const adminCommands: readonly Listed[] = [
  {
    path: "admin app diff-reconcile-results",
    summary: "Compare two files of get-reconcile-results",
    load: () => import("../commands/admin/app/diff-reconcile-results.ts"),
  },
  {
    path: "admin app generate-spec",
    summary: "Print an application as a file to be committed",
    load: () => import("../commands/admin/app/generate-spec.ts"),
  },
  {
    path: "admin app get-reconcile-results",
    summary: "Write the states of all applications to a file",
    load: () => import("../commands/admin/app/get-reconcile-results.ts"),
  },
  {
    path: "admin cluster generate-spec",
    summary: "Print the Secret of a cluster",
    load: () => import("../commands/admin/cluster/generate-spec.ts"),
  },
  {
    path: "admin cluster kubeconfig",
    summary: "Write a kubeconfig with the server's credentials of a cluster",
    load: () => import("../commands/admin/cluster/kubeconfig.ts"),
  },
  {
    path: "admin cluster namespaces",
    summary: "List the namespaces that applications use, by cluster",
    load: () => import("../commands/admin/cluster/namespaces/list.ts"),
  },
  {
    path: "admin cluster namespaces disable-namespaced-mode",
    summary: "Manage clusters as a whole",
    load: async () => ({ default: (await import("../commands/admin/cluster/namespaces/mode.ts")).disable }),
  },
  {
    path: "admin cluster namespaces enable-namespaced-mode",
    summary: "Manage only the namespaces of clusters that applications use",
    load: async () => ({ default: (await import("../commands/admin/cluster/namespaces/mode.ts")).enable }),
  },
  {
    path: "admin cluster shards",
    summary: "Show how many objects each controller looks after",
    load: () => import("../commands/admin/cluster/shards.ts"),
  },
  {
    path: "admin cluster stats",
    summary: "Show whether clusters answer, and what applications have there",
    load: () => import("../commands/admin/cluster/stats.ts"),
  },
  {
    path: "admin dashboard",
    summary: "Serve the page and the API on this machine",
    load: () => import("../commands/admin/dashboard.ts"),
  },
  {
    path: "admin export",
    summary: "Print the whole installation as a backup",
    load: () => import("../commands/admin/export.ts"),
  },
  {
    path: "admin import",
    summary: "Bring back a backup",
    load: () => import("../commands/admin/import.ts"),
  },
  {
    path: "admin initial-password",
    summary: "Print the password that was generated for the account admin",
    load: () => import("../commands/admin/initial-password.ts"),
  },
  {
    path: "admin notifications template get",
    summary: "Show the templates that are configured",
    load: () => import("../commands/admin/notifications/template-get.ts"),
  },
  {
    path: "admin notifications template notify",
    summary: "Send a notification: comes later",
    load: () => import("../commands/admin/notifications/template-notify.ts"),
  },
  {
    path: "admin notifications trigger get",
    summary: "Show the triggers that are configured",
    load: () => import("../commands/admin/notifications/trigger-get.ts"),
  },
  {
    path: "admin notifications trigger run",
    summary: "Try a trigger: comes later",
    load: () => import("../commands/admin/notifications/trigger-run.ts"),
  },
  {
    path: "admin proj generate-allow-list",
    summary: "Print a project that permits what a ClusterRole does",
    load: () => import("../commands/admin/proj/generate-allow-list.ts"),
  },
  {
    path: "admin proj generate-spec",
    summary: "Print a project as a file to be committed",
    load: () => import("../commands/admin/proj/generate-spec.ts"),
  },
  {
    path: "admin proj update-role-policy",
    summary: "Change a policy in roles of many projects",
    load: () => import("../commands/admin/proj/update-role-policy.ts"),
  },
  {
    path: "admin redis-initial-password",
    summary: "Accepted: no Redis is needed",
    load: () => import("../commands/admin/redis-initial-password.ts"),
  },
  {
    path: "admin repo generate-spec",
    summary: "Print the Secret of a repository",
    load: () => import("../commands/admin/repo/generate-spec.ts"),
  },
  {
    path: "admin settings rbac can",
    summary: "Say whether a policy lets a role or subject do something",
    load: () => import("../commands/admin/settings/rbac/can.ts"),
  },
  {
    path: "admin settings rbac validate",
    summary: "Check an RBAC policy",
    load: () => import("../commands/admin/settings/rbac/validate.ts"),
  },
  {
    path: "admin settings resource-overrides health",
    summary: "Show the health that an object would have",
    load: () => import("../commands/admin/settings/resource-overrides/health.ts"),
  },
  {
    path: "admin settings resource-overrides ignore-differences",
    summary: "Show which fields of an object comparing leaves out",
    load: () => import("../commands/admin/settings/resource-overrides/ignore-differences.ts"),
  },
  {
    path: "admin settings resource-overrides ignore-resource-updates",
    summary: "Show which fields of an object wake nobody when they change",
    load: () => import("../commands/admin/settings/resource-overrides/ignore-resource-updates.ts"),
  },
  {
    path: "admin settings resource-overrides list-actions",
    summary: "List the actions that an object would have",
    load: () => import("../commands/admin/settings/resource-overrides/list-actions.ts"),
  },
  {
    path: "admin settings resource-overrides run-action",
    aliases: ["action"],
    summary: "Show what an action would make of an object",
    load: () => import("../commands/admin/settings/resource-overrides/run-action.ts"),
  },
  {
    path: "admin settings validate",
    summary: "Check settings",
    load: () => import("../commands/admin/settings/validate.ts"),
  },
];
