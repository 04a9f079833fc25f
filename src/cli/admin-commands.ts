// The commands of `driftless admin`, as commands.ts lists them: they work on the cluster of the kubeconfig or on local
// files, without our server. Each is loaded when it is run.
import { settingsFlags } from "./admin-flags.ts";
import type { Group, Listed } from "./command.ts";

export const adminGroups: readonly Group[] = [
  { path: "admin", summary: "The installation itself, straight on its cluster: backups, checks of settings, specs" },
  { path: "admin settings", summary: "Checks of settings, before or after they are applied", flags: settingsFlags },
  { path: "admin settings rbac", summary: "Checks of RBAC policies" },
];

export const adminCommands: readonly Listed[] = [
  {
    path: "admin initial-password",
    summary: "Print the password that was generated for the account admin",
    load: () => import("./commands/admin/initial-password.ts"),
  },
  {
    path: "admin redis-initial-password",
    summary: "Accepted: no Redis is needed",
    load: () => import("./commands/admin/redis-initial-password.ts"),
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
];
