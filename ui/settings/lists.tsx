// What the settings show of each list: where it comes from, its columns.
import type { ReactNode } from "react";
import type { ClusterItem, ConnectionState, LocalAccount, ProjectItem, RepositoryItem } from "../api/administration.ts";
import { plural } from "../model/text.ts";

export interface ListKind<T> {
  readonly title: string;
  /** Below /api/v1. */
  readonly path: string;
  readonly keyOf: (item: T) => string;
  readonly columns: readonly (readonly [title: string, cell: (item: T) => ReactNode])[];
  /** The server's list has pages and can be searched. */
  readonly paged: boolean;
}

export const projects: ListKind<ProjectItem> = {
  title: "Projects",
  path: "projects",
  paged: true,
  keyOf: ({ metadata }) => metadata.name,
  columns: [
    ["Name", ({ metadata }) => <b>{metadata.name}</b>],
    ["Description", ({ spec }) => spec.description],
    ["Repositories", ({ spec }) => <Several values={spec.sourceRepos} />],
    [
      "Destinations",
      ({ spec }) => (
        <Several
          values={spec.destinations?.map(
            ({ server, name, namespace }) => `${name || server || "*"} / ${namespace || "*"}`,
          )}
        />
      ),
    ],
    ["Roles", ({ spec }) => <Several values={spec.roles?.map(({ name }) => name)} />],
  ],
};

export const repositories: ListKind<RepositoryItem> = {
  title: "Repositories",
  path: "repositories",
  paged: true,
  keyOf: ({ repo, project }) => `${repo} ${project ?? ""}`,
  columns: [
    ["URL", ({ repo }) => <b>{repo}</b>],
    ["Name", ({ name }) => name],
    ["Type", ({ type }) => type || "git"],
    ["Project", ({ project }) => project],
    ["Connection", ({ connectionState }) => <Connection state={connectionState} />],
  ],
};

export const clusters: ListKind<ClusterItem> = {
  title: "Clusters",
  path: "clusters",
  paged: true,
  keyOf: ({ server, name }) => `${server} ${name ?? ""}`,
  columns: [
    ["Name", ({ name }) => <b>{name}</b>],
    ["Server", ({ server }) => server],
    ["Version", ({ serverVersion, info }) => info?.serverVersion ?? serverVersion],
    ["Applications", ({ info }) => info?.applicationsCount],
    ["Project", ({ project }) => project],
    ["Connection", ({ connectionState }) => <Connection state={connectionState} />],
  ],
};

export const accounts: ListKind<LocalAccount> = {
  title: "Accounts",
  path: "account",
  paged: false,
  keyOf: ({ name }) => name,
  columns: [
    ["Name", ({ name }) => <b>{name}</b>],
    ["Enabled", ({ enabled }) => (enabled ? "yes" : "no")],
    ["May", ({ capabilities }) => (capabilities ?? []).join(", ")],
    ["Tokens", ({ tokens }) => ((tokens?.length ?? 0) > 0 ? plural(tokens!.length, "token") : "")],
  ],
};

const shownAtMost = 3;

function Several({ values = [] }: { readonly values?: readonly string[] | undefined }) {
  const more = values.length - shownAtMost;
  return (
    <span title={values.join("\n")}>
      {values.slice(0, shownAtMost).join(", ")}
      {more > 0 && <span className="faint"> and {more} more</span>}
    </span>
  );
}

function Connection({ state }: { readonly state: ConnectionState | undefined }) {
  const status = state?.status ?? "Unknown";
  const tone = status === "Successful" ? "good" : status === "Failed" ? "bad" : "unknown";
  return (
    <span className={`tone-${tone}`} title={state?.message}>
      {status}
    </span>
  );
}
