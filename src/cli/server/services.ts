// The server's services other than applications, as the commands that administer an installation call them. Each function
// is one REST request; shapes are those of Argo CD's API.
import type { Operation } from "#base/operation.ts";
import type { Application, AppProject } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Http, Query } from "./http.ts";

export interface Account {
  readonly name: string;
  readonly enabled?: boolean;
  readonly capabilities?: readonly string[];
  /** Times are seconds since the epoch. */
  readonly tokens?: readonly { readonly id: string; readonly issuedAt?: number; readonly expiresAt?: number }[];
}

export interface DetailedProject {
  readonly project: AppProject;
  readonly repositories?: readonly Repository[];
  readonly clusters?: readonly Cluster[];
}

interface ConnectionState {
  readonly status?: string;
  readonly message?: string;
}

export interface Cluster {
  readonly server: string;
  readonly name?: string;
  readonly namespaces?: readonly string[];
  readonly clusterResources?: boolean;
  readonly project?: string;
  readonly shard?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly config?: ClusterConfig;
  readonly serverVersion?: string;
  readonly connectionState?: ConnectionState;
}

export interface ClusterConfig {
  readonly username?: string;
  readonly bearerToken?: string;
  readonly tlsClientConfig?: {
    readonly insecure?: boolean;
    readonly serverName?: string;
    /** Base64 of PEM. */
    readonly caData?: string;
    readonly certData?: string;
  };
  readonly awsAuthConfig?: object;
  readonly execProviderConfig?: object;
  readonly disableCompression?: boolean;
  readonly proxyUrl?: string;
}

/** A repository, or a template of credentials (`url` instead of `repo`), with any of the fields that let one in. */
export interface Repository {
  readonly repo?: string;
  readonly url?: string;
  readonly type?: string;
  readonly name?: string;
  readonly project?: string;
  readonly username?: string;
  readonly insecure?: boolean;
  readonly insecureIgnoreHostKey?: boolean;
  readonly enableLfs?: boolean;
  readonly enableOCI?: boolean;
  readonly inheritedCreds?: boolean;
  readonly connectionState?: ConnectionState;
  readonly [field: string]: unknown;
}

export interface Certificate {
  readonly serverName: string;
  readonly certType: string;
  readonly certSubType?: string;
  /** Base64. */
  readonly certData?: string;
  readonly certInfo?: string;
}

export interface PublicKey {
  readonly keyID: string;
  readonly fingerprint?: string;
  readonly owner?: string;
  readonly trust?: string;
  readonly subType?: string;
  readonly keyData?: string;
}

export interface ApplicationSet extends KubernetesObject {
  readonly spec: {
    readonly template?: { readonly spec?: Partial<Application["spec"]> };
    readonly syncPolicy?: { readonly preserveResourcesOnDeletion?: boolean; readonly applicationsSync?: string };
    readonly [field: string]: unknown;
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type?: string;
      readonly status?: string;
      readonly message?: string;
      readonly lastTransitionTime?: string;
    }[];
  };
}

/** Where requests go; an `ApiClient` is one. */
export interface Sender {
  readonly send: Http["send"];
}

const part = encodeURIComponent;
type Items<T> = { readonly items?: readonly T[] | null };
const itemsOf = <T>({ items }: Items<T>): readonly T[] => items ?? [];

export const accounts = {
  list: async (op: Operation, { send }: Sender): Promise<readonly Account[]> =>
    itemsOf((await send(op, "GET", "/api/v1/account")) as Items<Account>),
  get: async (op: Operation, { send }: Sender, name: string): Promise<Account> =>
    (await send(op, "GET", `/api/v1/account/${part(name)}`)) as Account,
  async mayI(op: Operation, { send }: Sender, question: readonly [string, string, string]): Promise<string> {
    const [action, resource, object] = question;
    const path = `/api/v1/account/can-i/${part(resource)}/${part(action)}/${object.split("/").map(part).join("/")}`;
    return ((await send(op, "GET", path)) as { value?: string }).value ?? "no";
  },
  updatePassword: async (
    op: Operation,
    { send }: Sender,
    body: { readonly name: string; readonly currentPassword: string; readonly newPassword: string },
  ): Promise<void> => void (await send(op, "PUT", "/api/v1/account/password", { body })),
  async createToken(
    op: Operation,
    { send }: Sender,
    { name, ...body }: { readonly name: string; readonly id: string; readonly expiresIn: number },
  ): Promise<string> {
    return ((await send(op, "POST", `/api/v1/account/${part(name)}/token`, { body })) as { token: string }).token;
  },
  deleteToken: async (op: Operation, { send }: Sender, name: string, id: string): Promise<void> =>
    void (await send(op, "DELETE", `/api/v1/account/${part(name)}/token/${part(id)}`)),
};

const projectPath = (name: string): string => `/api/v1/projects/${part(name)}`;

export const projects = {
  list: async (op: Operation, { send }: Sender): Promise<readonly AppProject[]> =>
    itemsOf((await send(op, "GET", "/api/v1/projects")) as Items<AppProject>),
  get: async (op: Operation, { send }: Sender, name: string): Promise<AppProject> =>
    (await send(op, "GET", projectPath(name))) as AppProject,
  detailed: async (op: Operation, { send }: Sender, name: string): Promise<DetailedProject> =>
    (await send(op, "GET", `${projectPath(name)}/detailed`)) as DetailedProject,
  create: async (op: Operation, { send }: Sender, project: AppProject, upsert: boolean): Promise<void> =>
    void (await send(op, "POST", "/api/v1/projects", { body: { project, upsert } })),
  update: async (op: Operation, { send }: Sender, project: AppProject): Promise<void> =>
    void (await send(op, "PUT", projectPath(project.metadata.name ?? ""), { body: { project } })),
  delete: async (op: Operation, { send }: Sender, name: string): Promise<void> =>
    void (await send(op, "DELETE", projectPath(name))),
  async createToken(
    op: Operation,
    { send }: Sender,
    of: { readonly project: string; readonly role: string },
    body: { readonly id: string; readonly expiresIn: number },
  ): Promise<string> {
    const path = `${projectPath(of.project)}/roles/${part(of.role)}/token`;
    return ((await send(op, "POST", path, { body })) as { token: string }).token;
  },
  deleteToken: async (
    op: Operation,
    { send }: Sender,
    of: { readonly project: string; readonly role: string; readonly issuedAt: number },
  ): Promise<void> =>
    void (await send(op, "DELETE", `${projectPath(of.project)}/roles/${part(of.role)}/token/${of.issuedAt}`)),
};

/** How a cluster is named: by its address, or by its name. */
function clusterAt(selector: string, rest = ""): { path: string; query: Query } {
  const isServer = /^https?:\/\//.test(selector);
  const value = isServer ? selector : part(selector);
  return { path: `/api/v1/clusters/${part(value)}${rest}`, query: { "id.type": isServer ? "url" : "name_escaped" } };
}

export const clusters = {
  list: async (op: Operation, { send }: Sender): Promise<readonly Cluster[]> =>
    itemsOf((await send(op, "GET", "/api/v1/clusters")) as Items<Cluster>),
  async get(op: Operation, { send }: Sender, selector: string): Promise<Cluster> {
    const { path, query } = clusterAt(selector);
    return (await send(op, "GET", path, { query })) as Cluster;
  },
  create: async (op: Operation, { send }: Sender, cluster: Cluster, upsert: boolean): Promise<Cluster> =>
    (await send(op, "POST", "/api/v1/clusters", { query: { upsert }, body: cluster })) as Cluster,
  async update(
    op: Operation,
    { send }: Sender,
    selector: string,
    change: { readonly cluster: Partial<Cluster>; readonly fields: readonly string[] },
  ): Promise<void> {
    const { path, query } = clusterAt(selector);
    await send(op, "PUT", path, { query: { ...query, updatedFields: change.fields }, body: change.cluster });
  },
  async remove(op: Operation, { send }: Sender, selector: string): Promise<void> {
    const { path, query } = clusterAt(selector);
    await send(op, "DELETE", path, { query });
  },
  async rotate(op: Operation, { send }: Sender, selector: string): Promise<void> {
    const { path, query } = clusterAt(selector, "/rotate-auth");
    await send(op, "POST", path, { query });
  },
};

export const repositories = {
  list: async (op: Operation, { send }: Sender, forceRefresh: boolean): Promise<readonly Repository[]> =>
    itemsOf((await send(op, "GET", "/api/v1/repositories", { query: { forceRefresh } })) as Items<Repository>),
  get: async (
    op: Operation,
    { send }: Sender,
    url: string,
    query: { readonly appProject: string; readonly forceRefresh: boolean },
  ): Promise<Repository> => (await send(op, "GET", `/api/v1/repositories/${part(url)}`, { query })) as Repository,
  create: async (op: Operation, { send }: Sender, repository: Repository, upsert: boolean): Promise<Repository> =>
    (await send(op, "POST", "/api/v1/repositories", { query: { upsert }, body: repository })) as Repository,
  remove: async (op: Operation, { send }: Sender, url: string, appProject: string): Promise<void> =>
    void (await send(op, "DELETE", `/api/v1/repositories/${part(url)}`, { query: { appProject } })),
};

export const repositoryCredentials = {
  list: async (op: Operation, { send }: Sender): Promise<readonly Repository[]> =>
    itemsOf((await send(op, "GET", "/api/v1/repocreds")) as Items<Repository>),
  create: async (op: Operation, { send }: Sender, creds: Repository, upsert: boolean): Promise<Repository> =>
    (await send(op, "POST", "/api/v1/repocreds", { query: { upsert }, body: creds })) as Repository,
  remove: async (op: Operation, { send }: Sender, url: string): Promise<void> =>
    void (await send(op, "DELETE", `/api/v1/repocreds/${part(url)}`)),
};

export interface CertificateQuery {
  readonly hostNamePattern: string;
  readonly certType: string;
  readonly certSubType?: string;
}

export const certificates = {
  list: async (op: Operation, { send }: Sender, query: CertificateQuery): Promise<readonly Certificate[]> =>
    itemsOf((await send(op, "GET", "/api/v1/certificates", { query: { ...query } })) as Items<Certificate>),
  create: async (
    op: Operation,
    { send }: Sender,
    items: readonly Certificate[],
    upsert: boolean,
  ): Promise<readonly Certificate[]> =>
    itemsOf(
      (await send(op, "POST", "/api/v1/certificates", { query: { upsert }, body: { items } })) as Items<Certificate>,
    ),
  remove: async (op: Operation, { send }: Sender, query: CertificateQuery): Promise<readonly Certificate[]> =>
    itemsOf((await send(op, "DELETE", "/api/v1/certificates", { query: { ...query } })) as Items<Certificate>),
};

export const publicKeys = {
  list: async (op: Operation, { send }: Sender): Promise<readonly PublicKey[]> =>
    itemsOf((await send(op, "GET", "/api/v1/gpgkeys")) as Items<PublicKey>),
  get: async (op: Operation, { send }: Sender, keyID: string): Promise<PublicKey> =>
    (await send(op, "GET", `/api/v1/gpgkeys/${part(keyID)}`)) as PublicKey,
  async create(op: Operation, { send }: Sender, keyData: string): Promise<{ created: number; skipped: number }> {
    const answer = await send(op, "POST", "/api/v1/gpgkeys", { body: { keyData } });
    const { created, skipped } = answer as { created?: Items<PublicKey>; skipped?: readonly string[] | null };
    return { created: itemsOf(created ?? {}).length, skipped: (skipped ?? []).length };
  },
  remove: async (op: Operation, { send }: Sender, keyID: string): Promise<void> =>
    void (await send(op, "DELETE", "/api/v1/gpgkeys", { query: { keyID } })),
};

const setPath = "/api/v1/applicationsets";

export const applicationSets = {
  list: async (
    op: Operation,
    { send }: Sender,
    query: { readonly selector: string; readonly projects: readonly string[]; readonly appsetNamespace: string },
  ): Promise<readonly ApplicationSet[]> =>
    itemsOf((await send(op, "GET", setPath, { query: { ...query } })) as Items<ApplicationSet>),
  get: async (op: Operation, { send }: Sender, name: string, appsetNamespace: string): Promise<ApplicationSet> =>
    (await send(op, "GET", `${setPath}/${part(name)}`, { query: { appsetNamespace } })) as ApplicationSet,
  create: async (
    op: Operation,
    { send }: Sender,
    body: ApplicationSet,
    query: { readonly upsert: boolean; readonly dryRun: boolean },
  ): Promise<ApplicationSet> => (await send(op, "POST", setPath, { query, body })) as ApplicationSet,
  async generate(op: Operation, { send }: Sender, applicationSet: ApplicationSet): Promise<readonly Application[]> {
    const answer = await send(op, "POST", `${setPath}/generate`, { body: { applicationSet } });
    return (answer as { applications?: readonly Application[] | null }).applications ?? [];
  },
  remove: async (op: Operation, { send }: Sender, name: string, appsetNamespace: string): Promise<void> =>
    void (await send(op, "DELETE", `${setPath}/${part(name)}`, { query: { appsetNamespace } })),
};
