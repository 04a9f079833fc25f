// Every command, in one list: its name, what it is for, and where it stands. Adding a command adds its file and a line.
import { administration, administrationGroups } from "./administration.ts";
import type { Group, Listed } from "./command.ts";

export const groups: readonly Group[] = [
  { path: "app", summary: "Applications: list, create, sync, wait, compare, roll back, delete" },
  { path: "app actions", summary: "Actions of an application's resources: list, run" },
  { path: "account", summary: "Accounts: passwords, tokens, what one may do" },
  { path: "proj", aliases: ["project"], summary: "Projects: what applications may use, their roles and sync windows" },
  { path: "proj windows", summary: "Sync windows of projects" },
  ...administrationGroups,
];

export const commands: readonly Listed[] = [
  {
    path: "account get-user-info",
    aliases: ["whoami"],
    summary: "Show who is logged in",
    load: () => import("./commands/account/get-user-info.ts"),
  },
  {
    path: "app actions list",
    summary: "List what can be done to an application's resources",
    load: () => import("./commands/app/actions/list.ts"),
  },
  {
    path: "app actions run",
    summary: "Run an action on an application's resources",
    load: () => import("./commands/app/actions/run.ts"),
  },
  {
    path: "app add-source",
    summary: "Add a source to an application with several",
    load: () => import("./commands/app/add-source.ts"),
  },
  {
    path: "app confirm-deletion",
    summary: "Approve what waits for a confirmation to be deleted",
    load: () => import("./commands/app/confirm-deletion.ts"),
  },
  { path: "app create", summary: "Create an application", load: () => import("./commands/app/create.ts") },
  { path: "app delete", summary: "Delete applications", load: () => import("./commands/app/delete.ts") },
  {
    path: "app delete-resource",
    summary: "Delete live resources of an application",
    load: () => import("./commands/app/delete-resource.ts"),
  },
  {
    path: "app diff",
    summary: "Show what differs between the desired and the live state",
    load: () => import("./commands/app/diff.ts"),
  },
  {
    path: "app drift",
    summary: "Show which fields differ and who changed them",
    load: () => import("./commands/app/drift.ts"),
  },
  {
    path: "app edit",
    summary: "Edit an application's spec in an editor",
    load: () => import("./commands/app/edit.ts"),
  },
  { path: "app get", summary: "Show an application", load: () => import("./commands/app/get.ts") },
  {
    path: "app get-resource",
    summary: "Show live resources of an application, or fields of them",
    load: () => import("./commands/app/get-resource.ts"),
  },
  {
    path: "app history",
    summary: "Show an application's deployments",
    load: () => import("./commands/app/history.ts"),
  },
  { path: "app list", summary: "List applications", load: () => import("./commands/app/list.ts") },
  { path: "app logs", summary: "Show logs of an application's pods", load: () => import("./commands/app/logs.ts") },
  {
    path: "app manifests",
    summary: "Print an application's manifests",
    load: () => import("./commands/app/manifests.ts"),
  },
  { path: "app patch", summary: "Patch an application", load: () => import("./commands/app/patch.ts") },
  {
    path: "app patch-resource",
    summary: "Patch live resources of an application",
    load: () => import("./commands/app/patch-resource.ts"),
  },
  {
    path: "app plan",
    summary: "Show what a sync would do, in its order",
    load: () => import("./commands/app/plan.ts"),
  },
  {
    path: "app remove-source",
    summary: "Remove a source of an application with several",
    load: () => import("./commands/app/remove-source.ts"),
  },
  {
    path: "app render",
    summary: "Show what an application consists of, and where each object is written",
    load: () => import("./commands/app/render.ts"),
  },
  {
    path: "app resources",
    summary: "List an application's resources",
    load: () => import("./commands/app/resources.ts"),
  },
  {
    path: "app rollback",
    summary: "Go back to an earlier deployment",
    load: () => import("./commands/app/rollback.ts"),
  },
  { path: "app set", summary: "Change an application's parameters", load: () => import("./commands/app/set.ts") },
  {
    path: "app sync",
    summary: "Sync applications to their desired state",
    load: () => import("./commands/app/sync.ts"),
  },
  {
    path: "app terminate-op",
    summary: "End the operation in progress",
    load: () => import("./commands/app/terminate-op.ts"),
  },
  { path: "app unset", summary: "Remove an application's parameters", load: () => import("./commands/app/unset.ts") },
  {
    path: "app wait",
    summary: "Wait until applications are synced and healthy",
    load: () => import("./commands/app/wait.ts"),
  },
  {
    path: "completion",
    summary: "Print a script that completes commands in bash, zsh or fish",
    load: async () => {
      const { completion } = await import("./commands/completion.ts");
      return { default: completion(() => ({ groups, commands })) };
    },
  },
  {
    path: "context",
    aliases: ["ctx"],
    summary: "List, choose or delete contexts",
    load: () => import("./commands/context.ts"),
  },
  { path: "login", summary: "Log in to a server", load: () => import("./commands/login.ts") },
  { path: "logout", summary: "Log out of a server", load: () => import("./commands/logout.ts") },
  {
    path: "preview",
    summary: "Show what a branch or local files would change of all applications",
    load: () => import("./commands/preview.ts"),
  },
  {
    path: "proj windows list",
    summary: "List a project's sync windows and whether they are open",
    load: () => import("./commands/proj/windows/list.ts"),
  },
  { path: "relogin", summary: "Log in again where the session has ended", load: () => import("./commands/relogin.ts") },
  { path: "version", summary: "Print versions", load: () => import("./commands/version.ts") },
  ...administration,
];
