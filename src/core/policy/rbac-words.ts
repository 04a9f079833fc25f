// The words that rules of an RBAC policy are made of: resources, the actions of each, and the short names that people
// use for resources. Pure. Source: Argo CD's "RBAC Configuration".

/** The actions of a resource; `true` where what it is done to may follow: `update/apps/Deployment/web/shop`. */
type Actions = Readonly<Record<string, boolean>>;

const [read, write] = [{ get: false }, { create: false, delete: false }] as const;
const all: Actions = { ...read, ...write, update: false };

export const rbacActions: Readonly<Record<string, Actions>> = {
  accounts: { ...read, create: false, update: false },
  applications: {
    ...read,
    create: false,
    update: true,
    delete: true,
    action: true,
    override: false,
    sync: false,
    rollback: false,
  },
  applicationsets: all,
  certificates: { ...read, ...write },
  clusters: all,
  exec: { create: false, debug: false },
  extensions: { invoke: false },
  gpgkeys: { ...read, ...write },
  logs: read,
  projects: all,
  repositories: all,
  "write-repositories": all,
};

const shortNames: Readonly<Record<string, string>> = {
  account: "accounts",
  app: "applications",
  apps: "applications",
  application: "applications",
  appset: "applicationsets",
  applicationset: "applicationsets",
  cert: "certificates",
  certs: "certificates",
  certificate: "certificates",
  cluster: "clusters",
  extension: "extensions",
  gpgkey: "gpgkeys",
  key: "gpgkeys",
  log: "logs",
  proj: "projects",
  projs: "projects",
  project: "projects",
  repo: "repositories",
  repos: "repositories",
  repository: "repositories",
};

/** The resource that a word means; the word itself where it is no short name. */
export const rbacResource = (word: string): string => shortNames[word] ?? word;

/** What is wrong with a resource and an action on it; undefined where both exist. */
export function unknownRbacWord(resource: string, action: string): string | undefined {
  const actions = Object.hasOwn(rbacActions, resource) ? rbacActions[resource] : undefined;
  if (!actions) return `'${resource}' is not a valid resource name`;
  const [name = "", ...path] = action.split("/");
  const mayFollow = Object.hasOwn(actions, name) ? actions[name] : undefined;
  const fits = mayFollow !== undefined && (mayFollow || path.length === 0);
  return fits ? undefined : `'${action}' is not a valid action for ${resource}`;
}
