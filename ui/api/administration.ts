// Calls of the account, project, repository and cluster services: what the page shows of them.
import { request } from "./client.ts";

/** A part of a list. */
export interface ListPart<T> {
  readonly metadata?: { readonly continue?: string; readonly total?: number };
  readonly items?: readonly T[];
}

export interface LocalAccount {
  readonly name: string;
  readonly enabled?: boolean;
  readonly capabilities?: readonly string[];
  readonly tokens?: readonly AccountToken[];
}

/** Times are seconds since 1970, as numbers or texts; 0: never. */
export interface AccountToken {
  readonly id: string;
  readonly issuedAt?: number | string;
  readonly expiresAt?: number | string;
}

export interface ProjectItem {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly description?: string;
    readonly sourceRepos?: readonly string[];
    readonly destinations?: readonly {
      readonly server?: string;
      readonly name?: string;
      readonly namespace?: string;
    }[];
    readonly roles?: readonly { readonly name: string }[];
  };
}

export interface ConnectionState {
  readonly status?: string;
  readonly message?: string;
}

export interface RepositoryItem {
  readonly repo: string;
  readonly name?: string;
  readonly type?: string;
  readonly project?: string;
  readonly connectionState?: ConnectionState;
}

export interface ClusterItem {
  readonly server: string;
  readonly name?: string;
  readonly project?: string;
  readonly serverVersion?: string;
  readonly connectionState?: ConnectionState;
  readonly info?: { readonly applicationsCount?: number | string; readonly serverVersion?: string };
}

const pageSize = "50";

/** `path` is that of the service, such as `projects`. */
export function listPart<T>(
  path: string,
  asked: { readonly search: string; readonly from: string },
  signal: AbortSignal,
): Promise<ListPart<T>> {
  return request(`/${path}`, { query: { limit: pageSize, search: asked.search, continue: asked.from }, signal });
}

export function getAccount(name: string, signal: AbortSignal): Promise<LocalAccount> {
  return request(`/account/${encodeURIComponent(name)}`, { signal });
}

export function changePassword(name: string, currentPassword: string, newPassword: string): Promise<unknown> {
  return request("/account/password", { method: "PUT", body: { name, currentPassword, newPassword } });
}
