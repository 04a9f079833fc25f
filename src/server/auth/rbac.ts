// RBAC: the policy of `argocd-rbac-cm` together with each project's roles, as answers to "may this account". Read with
// casbin's model and policy reader; asked through core/policy, which a test holds equal to casbin's own enforcer.
// Source: Argo CD's "RBAC Configuration".
import { Helper, newModelFromString, type Model } from "casbin";
import { DriftlessError, toError } from "#base/errors.ts";
import { listAt, stringAt } from "#base/json.ts";
import { rfc3339 } from "#base/ports.ts";
import { builtinRoles } from "#core/policy/builtin-roles.ts";
import { Policy, type Grant, type MatchMode, type Rule, type RuleSet } from "#core/policy/rbac.ts";
import type { AppProject } from "#model/application.ts";
import type { ConfigData } from "#model/settings.ts";
import type { Account } from "./account.ts";

export const model = `
[request_definition]
r = sub, res, act, obj
[policy_definition]
p = sub, res, act, obj, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && matches(r.res, p.res) && matches(r.act, p.act) && matches(r.obj, p.obj)
`;

export type Resource =
  | "accounts"
  | "applications"
  | "applicationsets"
  | "certificates"
  | "clusters"
  | "exec"
  | "extensions"
  | "gpgkeys"
  | "logs"
  | "projects"
  | "repositories"
  | "write-repositories";

/** Resources whose objects are written `project/name`. */
const projectScoped: ReadonlySet<string> = new Set([
  "applications",
  "applicationsets",
  "clusters",
  "exec",
  "logs",
  "repositories",
  "write-repositories",
]);

/** Takes policy lines; returns their rules and grants. Error: CONFIG_INVALID with the line. */
export function readPolicy(text: string): RuleSet {
  const rules: Rule[] = [];
  const grants: Grant[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [type, ...fields] = fieldsOf(line, index);
    if (type === "p" && fields.length === 5 && (fields[4] === "allow" || fields[4] === "deny"))
      rules.push(fields as unknown as Rule);
    else if (type === "g" && fields.length === 2) grants.push(fields as unknown as Grant);
    else
      throw new DriftlessError(
        "CONFIG_INVALID",
        `line ${index + 1} of the policy is neither "p, SUBJECT, RESOURCE, ACTION, OBJECT, allow|deny" nor "g, SUBJECT, ROLE": ${line}`,
        { details: { line: index + 1 } },
      );
  }
  return { rules, grants };
}

function fieldsOf(line: string, index: number): readonly string[] {
  const read: Model = newModelFromString(model);
  try {
    Helper.loadPolicyLine(line, read);
  } catch (thrown) {
    throw new DriftlessError("CONFIG_INVALID", `line ${index + 1} of the policy: ${toError(thrown).message}`, {
      details: { line: index + 1 },
    });
  }
  for (const section of ["p", "g"]) {
    const found = read.model.get(section)?.get(section)?.policy[0];
    if (found) return [section, ...found];
  }
  return [""];
}

export interface RbacDeps {
  /** Data of `argocd-rbac-cm`. */
  config(): ConfigData | undefined;
  project(name: string): AppProject | undefined;
  /** Told of a policy that cannot be read; the one before it holds. */
  problem(error: DriftlessError): void;
}

/** What an account may do in a project: it to every object, or to those for which the function says so. */
type OfProject = "all" | ((object: string) => boolean);

/** Every question about permissions goes through here. */
export class Rbac {
  readonly #deps: RbacDeps;
  #config: ConfigData | undefined;
  #sets: readonly RuleSet[] = [builtinRoles];
  #mode: MatchMode = "glob";
  #policy = new Policy([builtinRoles], "glob");
  #byProject = new WeakMap<AppProject, Policy>();

  constructor(deps: RbacDeps) {
    this.#deps = deps;
  }

  /** Whether an account may do an action on an object (`project/name` for what belongs to projects). */
  may(account: Account | undefined, resource: Resource, action: string, object: string): boolean {
    if (account === undefined) return false;
    this.#refresh();
    return this.#asker(account, resource, action, object)(object);
  }

  /**
   * The same question for many objects, to be asked at once: it follows no changes. Takes a project; returns the answer
   * for all of its objects where that is a yes, and otherwise what tells it for each (`project/name`).
   */
  on(account: Account | undefined, resource: Resource, action: string): (project: string) => OfProject {
    if (account === undefined) return () => () => false;
    this.#refresh();
    const byProject = new Map<string, OfProject>();
    return (name) => {
      let said = byProject.get(name);
      if (said === undefined) byProject.set(name, (said = this.#ofProject(account, resource, action, name)));
      return said;
    };
  }

  #ofProject(account: Account, resource: Resource, action: string, name: string): OfProject {
    const { policy, subjects } = this.#whoAsks(account, resource, `${name}/`);
    if (subjects.some((subject) => policy.allowsAll(subject, resource, action, name))) return "all";
    return this.#asker(account, resource, action, `${name}/`);
  }

  /** The question for every object of this one's project. */
  #asker(account: Account, resource: Resource, action: string, object: string): (object: string) => boolean {
    const { policy, subjects } = this.#whoAsks(account, resource, object);
    const tests = subjects.map((subject) => policy.on(subject, resource, action));
    return (text) => tests.some((test) => test(text));
  }

  /** The policy that tells of an object, and the names under which the account asks it: one yes is enough. */
  #whoAsks(
    account: Account,
    resource: Resource,
    object: string,
  ): { readonly policy: Policy; readonly subjects: readonly string[] } {
    const project = this.#projectOf(resource, object);
    const policy = project ? this.#policyOf(project) : this.#policy;
    if (account.kind === "project") {
      // A role of a project has no say outside it.
      const own = project !== undefined && account.project?.name === project.metadata.name;
      return { policy, subjects: own ? [account.username] : [] };
    }
    const byDefault = this.#config?.["policy.default"];
    const groups = account.groups.filter((group) => policy.grantsTo(group));
    return { policy, subjects: [...(byDefault ? [byDefault] : []), account.username, ...groups] };
  }

  /** Throws PERMISSION_DENIED where `may` says no. */
  require(account: Account | undefined, resource: Resource, action: string, object: string): void {
    if (!this.may(account, resource, action, object)) throw denied(account, [resource, action, object]);
  }

  #projectOf(resource: Resource, object: string): AppProject | undefined {
    if (resource === "projects") return this.#deps.project(object);
    const slash = object.indexOf("/");
    return projectScoped.has(resource) && slash > 0 ? this.#deps.project(object.slice(0, slash)) : undefined;
  }

  #policyOf(project: AppProject): Policy {
    let policy = this.#byProject.get(project);
    if (!policy)
      this.#byProject.set(project, (policy = new Policy([...this.#sets, this.#rolesOf(project)], this.#mode)));
    return policy;
  }

  #rolesOf(project: AppProject): RuleSet {
    try {
      return readPolicy(projectPolicy(project));
    } catch (thrown) {
      this.#deps.problem(toError(thrown));
      return { rules: [], grants: [] };
    }
  }

  #refresh(): void {
    const config = this.#deps.config();
    if (config === this.#config) return;
    this.#config = config;
    try {
      const mode: MatchMode = config?.["policy.matchMode"] === "regex" ? "regex" : "glob";
      const sets = [builtinRoles, readPolicy(configuredPolicy(config ?? {}))];
      this.#policy = new Policy(sets, mode);
      [this.#sets, this.#mode] = [sets, mode];
      this.#byProject = new WeakMap();
    } catch (thrown) {
      this.#deps.problem(toError(thrown));
    }
  }
}

/** The policy of `argocd-rbac-cm`: `policy.csv`, then every other `policy.NAME.csv` by name. */
export function configuredPolicy(config: ConfigData): string {
  const overlays = Object.keys(config)
    .filter((key) => /^policy\..+\.csv$/.test(key))
    .sort();
  return ["policy.csv", ...overlays].flatMap((key) => config[key] ?? []).join("\n");
}

/** The policy lines that a project's roles amount to. */
export function projectPolicy(project: AppProject): string {
  const name = project.metadata.name ?? "";
  const lines: string[] = [];
  for (const role of project.spec.roles ?? []) {
    const subject = `proj:${name}:${stringAt(role, "name") ?? ""}`;
    lines.push(`p, ${subject}, projects, get, ${name}, allow`);
    for (const policy of listAt(role, "policies")) if (typeof policy === "string") lines.push(policy);
    for (const group of listAt(role, "groups"))
      if (typeof group === "string") lines.push(`g, "${unquoted(group).replaceAll('"', '""')}", ${subject}`);
  }
  return lines.join("\n");
}

/** Groups whose names hold a comma stand in quotes. */
function unquoted(group: string): string {
  return /^"(.+)"$/.exec(group.trim())?.[1] ?? group;
}

/** The claims that name an account's groups: `groups` unless `scopes` says others. */
export function groupScopes(config: ConfigData | undefined): readonly string[] {
  const text = config?.["scopes"]?.trim();
  if (!text) return ["groups"];
  return text
    .replace(/^\[|\]$/g, "")
    .split(",")
    .map((scope) => scope.trim().replace(/^(["'])(.*)\1$/, "$2"))
    .filter((scope) => scope !== "");
}

/** The answer to whoever may not, and to whoever asks for what does not exist: they are the same. */
export function denied(account: Account | undefined, asked: readonly string[]): DriftlessError {
  const who = account
    ? [`sub: ${account.username}`, ...(account.issuedAtMs === undefined ? [] : [`iat: ${rfc3339(account.issuedAtMs)}`])]
    : [];
  return new DriftlessError("PERMISSION_DENIED", `permission denied: ${[...asked, ...who].join(", ")}`);
}
