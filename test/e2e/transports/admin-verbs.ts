// What is done to an installation: by the API, and as it is typed.
import { join } from "node:path";
import type { JsonObject } from "#base/json.ts";
import type { Application } from "#model/application.ts";
import type { Caller } from "../../support/rpc.ts";
import { verb } from "./driver.ts";

interface Named {
  readonly name: string;
}

interface Role {
  readonly name: string;
  readonly policies?: readonly string[];
}

interface Token {
  readonly id?: string;
  readonly iat: number;
}

interface Project {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly sourceRepos?: readonly string[];
    readonly roles?: readonly Role[];
    readonly syncWindows?: readonly JsonObject[];
    readonly [field: string]: unknown;
  };
  readonly status?: { readonly jwtTokensByRole?: Readonly<Record<string, { readonly items?: readonly Token[] }>> };
}

/** Without what every one of them is: protobuf has no place for it. */
function untyped<T extends object>(object: T): Omit<T, "apiVersion" | "kind"> {
  const { apiVersion: _version, kind: _kind, ...rest } = object as T & { apiVersion?: string; kind?: string };
  return rest;
}

// Projects.

const projectOf = (api: Caller, name: string): Promise<Project> => api.call<Project>("ProjectService.get", { name });

async function changeProject(api: Caller, name: string, change: (spec: Project["spec"]) => object): Promise<void> {
  const project = await projectOf(api, name);
  await api.call("ProjectService.update", {
    project: { ...project, spec: { ...project.spec, ...change(project.spec) } },
  });
}

export interface ProjectWish extends Named {
  readonly source: string;
  readonly namespace: string;
  readonly description: string;
}

const server = "https://kubernetes.default.svc";

export const projectCreate = verb<ProjectWish, void>(
  "proj create",
  async (api, { name, source, namespace, description }) => {
    const spec = { sourceRepos: [source], destinations: [{ server, namespace }], description };
    await api.call("ProjectService.create", { project: { metadata: { name }, spec }, upsert: false });
  },
  async (cli, { name, source, namespace, description }) => {
    const flags = ["--src", source, "--dest", `${server},${namespace}`, "--description", description];
    await cli.said(["proj", "create", name, ...flags]);
  },
);

export const projectGet = verb<Named, Omit<Project, "apiVersion" | "kind">>(
  "proj get",
  async (api, { name }) => untyped(await projectOf(api, name)),
  async (cli, { name }) => untyped(await cli.json<Project>(["proj", "get", name])),
);

/** Whether it is among those that are listed. */
export const projectListed = verb<Named, boolean>(
  "proj list",
  async (api, { name }) => {
    const { items = [] } = await api.call<{ items?: Project[] }>("ProjectService.list");
    return items.some(({ metadata }) => metadata.name === name);
  },
  async (cli, { name }) => (await cli.said(["proj", "list", "-o", "name"])).split("\n").includes(name),
);

export const projectAddSource = verb<Named & { readonly source: string }, void>(
  "proj add-source",
  (api, { name, source }) =>
    changeProject(api, name, ({ sourceRepos = [] }) => ({ sourceRepos: [...sourceRepos, source] })),
  async (cli, { name, source }) => void (await cli.said(["proj", "add-source", name, source])),
);

export const projectAllowKind = verb<Named & { readonly group: string; readonly kind: string }, void>(
  "proj allow-cluster-resource",
  (api, { name, group, kind }) => changeProject(api, name, () => ({ clusterResourceWhitelist: [{ group, kind }] })),
  async (cli, { name, group, kind }) => void (await cli.said(["proj", "allow-cluster-resource", name, group, kind])),
);

export const projectDelete = verb<Named, void>(
  "proj delete",
  async (api, { name }) => void (await api.call("ProjectService.delete", { name })),
  async (cli, { name }) => void (await cli.said(["proj", "delete", name])),
);

interface RoleOf extends Named {
  readonly role: string;
}

export const roleCreate = verb<RoleOf, void>(
  "proj role create",
  (api, { name, role }) => changeProject(api, name, ({ roles = [] }) => ({ roles: [...roles, { name: role }] })),
  async (cli, { name, role }) => void (await cli.said(["proj", "role", "create", name, role])),
);

export const rolePolicy = verb<RoleOf & { readonly action: string; readonly object: string }, void>(
  "proj role add-policy",
  (api, { name, role, action, object }) => {
    const policy = `p, proj:${name}:${role}, applications, ${action}, ${name}/${object}, allow`;
    return changeProject(api, name, ({ roles = [] }) => ({
      roles: roles.map((each) =>
        each.name === role ? { ...each, policies: [...(each.policies ?? []), policy] } : each,
      ),
    }));
  },
  async (cli, { name, role, action, object }) =>
    void (await cli.said(["proj", "role", "add-policy", name, role, "--action", action, "--object", object])),
);

/** Returns the token. */
export const roleToken = verb<RoleOf & { readonly id: string }, string>(
  "proj role create-token",
  async (api, { name, role, id }) => {
    const request = { project: name, role, id, expiresIn: 3600 };
    return (await api.call<{ token: string }>("ProjectService.createToken", request)).token;
  },
  async (cli, { name, role, id }) => {
    const flags = ["--id", id, "--expires-in", "1h", "--token-only"];
    return (await cli.said(["proj", "role", "create-token", name, role, ...flags])).trim();
  },
);

export const roleTokenDelete = verb<RoleOf & { readonly iat: number }, void>(
  "proj role delete-token",
  async (api, { name, role, iat }) => void (await api.call("ProjectService.deleteToken", { project: name, role, iat })),
  async (cli, { name, role, iat }) => void (await cli.said(["proj", "role", "delete-token", name, role, String(iat)])),
);

/** Names of the roles. */
export const roleList = verb<Named, string[]>(
  "proj role list",
  async (api, { name }) => ((await projectOf(api, name)).spec.roles ?? []).map((role) => role.name),
  async (cli, { name }) => (await cli.said(["proj", "role", "list", name, "-o", "name"])).trim().split("\n"),
);

export const windowAdd = verb<Named & { readonly applications: string }, void>(
  "proj windows add",
  (api, { name, applications }) =>
    changeProject(api, name, ({ syncWindows = [] }) => ({
      syncWindows: [
        ...syncWindows,
        { kind: "deny", schedule: "0 3 1 1 *", duration: "1h", applications: [applications], timeZone: "UTC" },
      ],
    })),
  async (cli, { name, applications }) => {
    const flags = ["--kind", "deny", "--schedule", "0 3 1 1 *", "--duration", "1h", "--applications", applications];
    await cli.said(["proj", "windows", "add", name, ...flags]);
  },
);

export const windowDelete = verb<Named, void>(
  "proj windows delete",
  (api, { name }) => changeProject(api, name, () => ({ syncWindows: [] })),
  async (cli, { name }) => void (await cli.said(["proj", "windows", "delete", name, "0"])),
);

// Repositories and their credentials.

interface Repo extends JsonObject {
  readonly repo: string;
}

export const repoAdd = verb<Named & { readonly url: string }, void>(
  "repo add",
  async (api, { name, url }) =>
    void (await api.call("RepositoryService.createRepository", { repo: { repo: url, name, type: "git" } })),
  async (cli, { name, url }) => void (await cli.said(["repo", "add", url, "--name", name])),
);

export const repoGet = verb<{ readonly url: string }, Repo>(
  "repo get",
  (api, { url }) => api.call<Repo>("RepositoryService.get", { repo: url }),
  (cli, { url }) => cli.json<Repo>(["repo", "get", url]),
);

/** That of a URL, as it is listed; undefined where it is not. */
export const repoListed = verb<{ readonly url: string }, Repo | undefined>(
  "repo list",
  async (api, { url }) => {
    const { items = [] } = await api.call<{ items?: Repo[] }>("RepositoryService.listRepositories");
    return items.find(({ repo }) => repo === url);
  },
  async (cli, { url }) => ((await cli.json<Repo[] | null>(["repo", "list"])) ?? []).find(({ repo }) => repo === url),
);

export const repoRemove = verb<{ readonly url: string }, void>(
  "repo rm",
  async (api, { url }) => void (await api.call("RepositoryService.deleteRepository", { repo: url })),
  async (cli, { url }) => void (await cli.said(["repo", "rm", url])),
);

interface Creds extends JsonObject {
  readonly url: string;
}

export const credsAdd = verb<{ readonly url: string; readonly username: string; readonly password: string }, void>(
  "repocreds add",
  async (api, creds) =>
    void (await api.call("RepoCredsService.createRepositoryCredentials", { creds: { ...creds, type: "git" } })),
  async (cli, { url, username, password }) =>
    void (await cli.said(["repocreds", "add", url, "--username", username, "--password", password])),
);

export const credsListed = verb<{ readonly url: string }, Creds | undefined>(
  "repocreds list",
  async (api, { url }) => {
    const { items = [] } = await api.call<{ items?: Creds[] }>("RepoCredsService.listRepositoryCredentials");
    return items.find((each) => each.url === url);
  },
  async (cli, { url }) =>
    ((await cli.json<Creds[] | null>(["repocreds", "list"])) ?? []).find((each) => each.url === url),
);

export const credsRemove = verb<{ readonly url: string }, void>(
  "repocreds rm",
  async (api, { url }) => void (await api.call("RepoCredsService.deleteRepositoryCredentials", { url })),
  async (cli, { url }) => void (await cli.said(["repocreds", "rm", url])),
);

// Clusters.

export interface ClusterWish extends Named {
  readonly server: string;
  /** PEM of the cluster's authority. */
  readonly ca: string;
  /** A program that gives the credentials, and what it is told. */
  readonly command: string;
  readonly args: readonly string[];
}

const apiVersion = "client.authentication.k8s.io/v1beta1";

export const clusterAdd = verb<ClusterWish, void>(
  "cluster add",
  async (api, { name, server: address, ca, command, args }) => {
    const tlsClientConfig = { insecure: false, caData: Buffer.from(ca).toString("base64") };
    const config = { tlsClientConfig, execProviderConfig: { command, args, apiVersion } };
    const labels = { story: name };
    await api.call("ClusterService.create", { cluster: { name, server: address, config, labels }, upsert: false });
  },
  async (cli, { name, server: address, ca, command, args }) => {
    // Where kubectl has it; argocd looks there for who was set up, when a cluster is removed.
    const authority = Buffer.from(ca).toString("base64");
    const cluster = { server: address, "certificate-authority-data": authority };
    const user = { exec: { apiVersion, command, args, interactiveMode: "Never" } };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": name,
      clusters: [{ name, cluster }],
      users: [{ name, user }],
      contexts: [{ name, context: { cluster: name, user: name } }],
    };
    cli.file(join(".kube", "config"), JSON.stringify(config));
    const exec = ["--exec-command", command, "--exec-command-api-version", apiVersion];
    const more = args.flatMap((arg) => ["--exec-command-args", arg]);
    const flags = ["--label", `story=${name}`, "--yes"];
    await cli.said(["cluster", "add", name, ...flags, ...exec, ...more]);
  },
);

const idOf = (address: string): object => ({ id: { type: "url", value: encodeURIComponent(address) } });

export const clusterGet = verb<{ readonly server: string }, JsonObject>(
  "cluster get",
  (api, { server: address }) => api.call<JsonObject>("ClusterService.get", idOf(address)),
  (cli, { server: address }) => cli.json<JsonObject>(["cluster", "get", address]),
);

/** Names of those at an address. */
export const clusterListed = verb<{ readonly server: string }, unknown[]>(
  "cluster list",
  async (api, { server: address }) => {
    const { items = [] } = await api.call<{ items?: JsonObject[] }>("ClusterService.list");
    return items.filter((each) => each["server"] === address).map((each) => each["name"]);
  },
  async (cli, { server: address }) =>
    (await cli.json<JsonObject[]>(["cluster", "list"]))
      .filter((each) => each["server"] === address)
      .map((each) => each["name"]),
);

export const clusterSet = verb<{ readonly server: string; readonly namespaces: readonly string[] } & Named, void>(
  "cluster set",
  async (api, { server: address, namespaces }) => {
    const cluster = { server: address, namespaces };
    const request = { ...idOf(address), cluster, updatedFields: ["namespaces"] };
    await api.call("ClusterService.update", request);
  },
  async (cli, { name, namespaces }) => {
    await cli.said(["cluster", "set", name, ...namespaces.flatMap((each) => ["--namespace", each])]);
  },
);

export const clusterRemove = verb<{ readonly server: string }, void>(
  "cluster rm",
  async (api, { server: address }) => void (await api.call("ClusterService.delete", idOf(address))),
  async (cli, { server: address }) => void (await cli.said(["cluster", "rm", address, "--yes"])),
);

// What repositories are trusted by.

interface Certificate extends JsonObject {
  readonly serverName: string;
}

export const certAddTls = verb<{ readonly host: string; readonly pem: string }, void>(
  "cert add-tls",
  async (api, { host, pem }) => {
    const item = { serverName: host, certType: "https", certData: Buffer.from(pem).toString("base64") };
    await api.call("CertificateService.createCertificate", { certificates: { items: [item] }, upsert: false });
  },
  async (cli, { host, pem }) => void (await cli.said(["cert", "add-tls", host, "--from", cli.file("cert.pem", pem)])),
);

export const certAddSsh = verb<{ readonly host: string; readonly key: string }, void>(
  "cert add-ssh",
  async (api, { host, key }) => {
    const [type = "", data = ""] = key.split(" ");
    const item = {
      serverName: host,
      certType: "ssh",
      certSubType: type,
      certData: Buffer.from(data).toString("base64"),
    };
    await api.call("CertificateService.createCertificate", { certificates: { items: [item] }, upsert: false });
  },
  async (cli, { host, key }) => void (await cli.said(["cert", "add-ssh", "--batch"], { input: `${host} ${key}\n` })),
);

export const certList = verb<{ readonly host: string }, Certificate[]>(
  "cert list",
  async (api, { host }) => {
    const request = { hostNamePattern: host };
    return (await api.call<{ items?: Certificate[] }>("CertificateService.listCertificates", request)).items ?? [];
  },
  async (cli, { host }) => (await cli.json<Certificate[] | null>(["cert", "list", "--hostname-pattern", host])) ?? [],
);

export const certRemove = verb<{ readonly host: string }, void>(
  "cert rm",
  async (api, { host }) => void (await api.call("CertificateService.deleteCertificate", { hostNamePattern: host })),
  async (cli, { host }) => void (await cli.said(["cert", "rm", host])),
);

export const gpgAdd = verb<{ readonly keyData: string }, void>(
  "gpg add",
  async (api, { keyData }) => void (await api.call("GPGKeyService.create", { publickey: { keyData } })),
  async (cli, { keyData }) => void (await cli.said(["gpg", "add", "--from", cli.file("key.asc", keyData)])),
);

interface Key extends JsonObject {
  readonly keyID: string;
}

export const gpgGet = verb<{ readonly keyID: string }, Key>(
  "gpg get",
  (api, given) => api.call<Key>("GPGKeyService.get", given),
  (cli, { keyID }) => cli.json<Key>(["gpg", "get", keyID]),
);

export const gpgListed = verb<{ readonly keyID: string }, boolean>(
  "gpg list",
  async (api, { keyID }) => {
    const { items = [] } = await api.call<{ items?: Key[] }>("GPGKeyService.list");
    return items.some((key) => key.keyID === keyID);
  },
  async (cli, { keyID }) => ((await cli.json<Key[] | null>(["gpg", "list"])) ?? []).some((key) => key.keyID === keyID),
);

export const gpgRemove = verb<{ readonly keyID: string }, void>(
  "gpg rm",
  async (api, given) => void (await api.call("GPGKeyService.delete", given)),
  async (cli, { keyID }) => void (await cli.said(["gpg", "rm", keyID])),
);

// Accounts.

export const whoAmI = verb<undefined, JsonObject>(
  "account get-user-info",
  (api) => api.call<JsonObject>("SessionService.getUserInfo"),
  (cli) => cli.json<JsonObject>(["account", "get-user-info"]),
);

export const canI = verb<{ readonly action: string; readonly resource: string; readonly subresource: string }, string>(
  "account can-i",
  async (api, given) => (await api.call<{ value: string }>("AccountService.canI", given)).value,
  async (cli, { action, resource, subresource }) =>
    (await cli.said(["account", "can-i", action, resource, subresource])).trim(),
);

interface Account extends JsonObject {
  readonly name: string;
}

export const accountGet = verb<Named, Account>(
  "account get",
  (api, { name }) => api.call<Account>("AccountService.getAccount", { name }),
  (cli, { name }) => cli.json<Account>(["account", "get", "--account", name]),
);

export const accountListed = verb<Named, boolean>(
  "account list",
  async (api, { name }) => {
    const { items = [] } = await api.call<{ items?: Account[] }>("AccountService.listAccounts");
    return items.some((each) => each.name === name);
  },
  async (cli, { name }) => (await cli.json<Account[]>(["account", "list"])).some((each) => each.name === name),
);

export const accountPassword = verb<Named & { readonly current: string; readonly password: string }, void>(
  "account update-password",
  async (api, { name, current, password }) => {
    await api.call("AccountService.updatePassword", { name, currentPassword: current, newPassword: password });
  },
  async (cli, { name, current, password }) => {
    const flags = ["--account", name, "--current-password", current, "--new-password", password];
    await cli.said(["account", "update-password", ...flags]);
  },
);

/** Returns the token. */
export const accountToken = verb<Named & { readonly id: string }, string>(
  "account generate-token",
  async (api, { name, id }) =>
    (await api.call<{ token: string }>("AccountService.createToken", { name, id, expiresIn: 3600 })).token,
  async (cli, { name, id }) =>
    (await cli.said(["account", "generate-token", "--account", name, "--id", id, "--expires-in", "1h"])).trim(),
);

export const accountTokenDelete = verb<Named & { readonly id: string }, void>(
  "account delete-token",
  async (api, { name, id }) => void (await api.call("AccountService.deleteToken", { name, id })),
  async (cli, { name, id }) => void (await cli.said(["account", "delete-token", "--account", name, id])),
);

// ApplicationSets.

type AppSet = Pick<Application, "metadata"> & JsonObject;

export const appsetCreate = verb<{ readonly set: JsonObject }, void>(
  "appset create",
  async (api, { set }) => void (await api.call("ApplicationSetService.create", { applicationset: set, upsert: false })),
  async (cli, { set }) => {
    const file = cli.file("set.json", JSON.stringify(set));
    await cli.said(["appset", "create", file]);
  },
);

export const appsetGet = verb<Named, Omit<AppSet, "apiVersion" | "kind">>(
  "appset get",
  async (api, { name }) => untyped(await api.call<AppSet>("ApplicationSetService.get", { name })),
  async (cli, { name }) => untyped(await cli.json<AppSet>(["appset", "get", name])),
);

export const appsetListed = verb<Named, boolean>(
  "appset list",
  async (api, { name }) => {
    const { items = [] } = await api.call<{ items?: AppSet[] }>("ApplicationSetService.list");
    return items.some(({ metadata }) => metadata.name === name);
  },
  async (cli, { name }) =>
    (await cli.json<AppSet[]>(["appset", "list"])).some(({ metadata }) => metadata.name === name),
);

export const appsetDelete = verb<Named, void>(
  "appset delete",
  async (api, { name }) => void (await api.call("ApplicationSetService.delete", { name })),
  async (cli, { name }) => void (await cli.said(["appset", "delete", name, "--yes"])),
);

/** The server's version. */
export const version = verb<undefined, unknown>(
  "version",
  async (api) => (await api.call<{ Version?: string }>("VersionService.version")).Version,
  async (cli) => (await cli.json<{ server: { Version: string } }>(["version"])).server.Version,
);
