// Every command, in one list: its name, what it is for, and where it stands. Adding a command adds its file and a line.
import type { Group, Listed } from "./command.ts";

export const groups: readonly Group[] = [
  { path: "app", summary: "Applications: list, create, sync, wait, compare, roll back, delete" },
  { path: "account", summary: "Accounts" },
];

export const commands: readonly Listed[] = [
  {
    path: "account get-user-info",
    aliases: ["whoami"],
    summary: "Show who is logged in",
    load: () => import("./commands/account/get-user-info.ts"),
  },
  { path: "app get", summary: "Show an application", load: () => import("./commands/app/get.ts") },
  { path: "app list", summary: "List applications", load: () => import("./commands/app/list.ts") },
  {
    path: "context",
    aliases: ["ctx"],
    summary: "List, choose or delete contexts",
    load: () => import("./commands/context.ts"),
  },
  { path: "login", summary: "Log in to a server", load: () => import("./commands/login.ts") },
  { path: "logout", summary: "Log out of a server", load: () => import("./commands/logout.ts") },
  { path: "relogin", summary: "Log in again where the session has ended", load: () => import("./commands/relogin.ts") },
  { path: "version", summary: "Print versions", load: () => import("./commands/version.ts") },
];
