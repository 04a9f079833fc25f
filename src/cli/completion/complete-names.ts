// Names that complete a command line, by kind: from the server that the words so far mean, the configuration file, the
// kubeconfig. Nothing where it cannot be known at once.
import { listAt, stringAt } from "#base/json.ts";
import type { ApiClient } from "../server/api.ts";
import { connectToServer } from "../server/connect.ts";
import type { Context } from "../context.ts";
import { kubeContexts } from "../kube/kubeconfig.ts";
import {
  applicationSets,
  accounts,
  certificates,
  clusters,
  projects,
  publicKeys,
  repositories,
  repositoryCredentials,
} from "../server/services.ts";
import { withTimeout } from "../timeout.ts";

export type Kind =
  | "accounts"
  | "applicationNamespaces"
  | "applications"
  | "applicationSets"
  | "certificates"
  | "clusterNames"
  | "clusters"
  | "clusterServers"
  | "contexts"
  | "credentials"
  | "ids"
  | "keys"
  | "kubeContexts"
  | "none"
  | "projects"
  | "repositories"
  | "roles"
  | "servers";

/** Longer nobody waits for a key to have an effect. */
const withinMs = 3000;

export interface Asking {
  readonly context: Context;
  /** With the flags that stand on the command line. */
  as(flags: Readonly<Record<string, unknown>>): Asking;
}

/** Asks as the command would that is being typed. */
export function askingFor(context: Context): Asking {
  return {
    context,
    as: (flags) => {
      const global = { ...context.global, ...flags };
      const connect = { ...context.connect, global };
      return askingFor({ ...context, global, connect, api: () => connectToServer(context.op, connect) });
    },
  };
}

interface Where {
  /** The command's words before this one. */
  readonly args: readonly string[];
  readonly last: string;
}

type Source = (api: ApiClient, context: Context, where: Where) => Promise<readonly (string | undefined)[]>;

const everySet = { selector: "", projects: [], appsetNamespace: "" };
const everyCertificate = { hostNamePattern: "*", certType: "" };

const fromServer: Partial<Record<Kind, Source>> = {
  accounts: async (api, { op }) => (await accounts.list(op, api)).map(({ name }) => name),
  applications: async (api, context, { last }) =>
    (await metadataOfApplications(api, context)).map(({ name, namespace }) =>
      last.includes("/") ? `${namespace}/${name}` : name,
    ),
  applicationNamespaces: async (api, context) =>
    (await metadataOfApplications(api, context)).map(({ namespace }) => namespace),
  applicationSets: async (api, { op }) => (await applicationSets.list(op, api, everySet)).map(nameOf),
  certificates: async (api, { op }) =>
    (await certificates.list(op, api, everyCertificate)).map(({ serverName }) => serverName),
  clusters: async (api, { op }) => (await clusters.list(op, api)).flatMap(({ name, server }) => [name, server]),
  clusterNames: async (api, { op }) => (await clusters.list(op, api)).map(({ name }) => name),
  clusterServers: async (api, { op }) => (await clusters.list(op, api)).map(({ server }) => server),
  credentials: async (api, { op }) => (await repositoryCredentials.list(op, api)).map(({ url }) => url),
  ids: idsOf,
  keys: async (api, { op }) => (await publicKeys.list(op, api)).map(({ keyID }) => keyID),
  projects: async (api, { op }) => (await projects.list(op, api)).map(nameOf),
  repositories: async (api, { op }) => (await repositories.list(op, api, false)).map(({ repo }) => repo),
  roles: async (api, { op }, { args }) =>
    ((await projects.get(op, api, args[0] ?? "")).spec.roles ?? []).map((role) => stringAt(role, "name")),
};

const fromHere: Partial<Record<Kind, (context: Context) => Promise<readonly string[]>>> = {
  contexts: async (context) => (await context.config()).contexts.map(({ name }) => name),
  servers: async (context) => (await context.config()).contexts.map(({ server }) => server),
  kubeContexts: async (context) => (await kubeContexts(context, "")).map(({ name }) => name),
};

/** Every name of the kind; none where nobody answers. */
export async function namesOf({ context }: Asking, kind: Kind, where: Where): Promise<readonly string[]> {
  try {
    const ask = fromServer[kind];
    if (!ask) return (await fromHere[kind]?.(context)) ?? [];
    const found = await withTimeout(context, withinMs, async (op) =>
      ask(await context.api(), { ...context, op }, where),
    );
    return found.flatMap((name) => name || []);
  } catch {
    return [];
  }
}

const nameOf = ({ metadata }: { readonly metadata: { readonly name?: string } }): string | undefined => metadata.name;

/** Names alone: the rest of an application is a hundred times as much. */
async function metadataOfApplications(
  api: ApiClient,
  { op }: Context,
): Promise<readonly { readonly name: string; readonly namespace: string }[]> {
  const fields = "items.metadata.name,items.metadata.namespace";
  const answer = await api.send(op, "GET", "/api/v1/applications", { query: { fields } });
  return listAt(answer, "items").map((item) => ({
    name: stringAt(item, "metadata", "name") ?? "",
    namespace: stringAt(item, "metadata", "namespace") ?? "",
  }));
}

/** Numbers of deployments of an application that was named. */
async function idsOf(api: ApiClient, { op }: Context, { args }: Where): Promise<readonly string[]> {
  const app = await api.applications.get(op, { name: args[0] ?? "" });
  return (app.status?.history ?? []).map(({ id }) => String(id));
}
