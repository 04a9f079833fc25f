// Who may do what to an application: finds it and asks RBAC in one step, so that what does not exist and what one may not
// see have the same answer. Follows Argo CD's application RBAC.
import { DriftlessError } from "#base/errors.ts";
import type { Application } from "#model/application.ts";
import type { Account } from "../auth/account.ts";
import { requireFound } from "../auth/hidden.ts";
import type { Rbac, Resource } from "../auth/rbac.ts";
import type { ApplicationQueries, AppRef } from "./queries.ts";

export type ApplicationAction =
  | "get"
  | "create"
  | "update"
  | "delete"
  | "sync"
  | "override"
  | "rollback"
  | `${"update" | "delete" | "action"}/${string}`;

export class ApplicationAccess {
  readonly #rbac: Rbac;
  readonly #queries: ApplicationQueries;
  readonly #namespace: string;

  constructor(rbac: Rbac, queries: ApplicationQueries, namespace: string) {
    this.#rbac = rbac;
    this.#queries = queries;
    this.#namespace = namespace;
  }

  /** The name by which RBAC knows an application: `project/name`, with its namespace where that is not the installation's. */
  nameOf(app: Application): string {
    const { name = "", namespace = this.#namespace } = app.metadata;
    const project = app.spec.project || "default";
    return namespace === this.#namespace ? `${project}/${name}` : `${project}/${namespace}/${name}`;
  }

  may(
    account: Account | undefined,
    action: ApplicationAction,
    app: Application,
    resource: Resource = "applications",
  ): boolean {
    return this.#rbac.may(account, resource, action, this.nameOf(app));
  }

  /** Whether an account may see each of many applications, to be asked at once: it follows no changes. */
  visible(account: Account | undefined): (app: Application) => boolean {
    const inProject = this.#rbac.on(account, "applications", "get");
    return (app) => {
      const name = app.spec.project || "default";
      // What no project can be called belongs to the one that stands before the slash.
      const may = inProject(name.includes("/") ? name.slice(0, name.indexOf("/")) : name);
      return may === "all" || may(this.nameOf(app));
    };
  }

  /**
   * The application, where the account may do this to it. Errors: UNAUTHENTICATED; PERMISSION_DENIED, with no more words
   * for what the account may not even see; NOT_FOUND only for those who may see every application.
   */
  require(
    account: Account | undefined,
    action: ApplicationAction,
    ref: AppRef,
    resource: Resource = "applications",
  ): Application {
    if (!account) throw new DriftlessError("UNAUTHENTICATED", "no session information");
    return requireFound(this.#rbac, account, {
      resource,
      action,
      seenBy: "applications",
      all: ref.project ? `${ref.project}/${ref.name}` : "*/*",
      find: () => this.#queries.find(ref),
      objectOf: (app) => this.nameOf(app),
    });
  }

  /** Whether an account may make an application as this one is to be. Errors as `require`. */
  requireWanted(account: Account | undefined, action: "create" | "update", app: Application): void {
    if (!account) throw new DriftlessError("UNAUTHENTICATED", "no session information");
    this.#rbac.require(account, "applications", action, this.nameOf(app));
  }
}
