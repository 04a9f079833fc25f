// Is an AppProject well-formed: names of roles, their policies, windows, destinations. Pure. Returns what is wrong, with
// the field; nothing is thrown. Source: the validation that Argo CD documents for projects.
import { isObject, listAt, stringAt } from "#base/json.ts";
import type { AppProject, AppProjectSpec } from "#model/application.ts";
import { parseWindows } from "./windows.ts";

export interface ProjectProblem {
  readonly field: string;
  readonly why: string;
}

const roleName = /^[a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?$/;
/** Resources that a project's role may be given. */
const grantable: ReadonlySet<string> = new Set([
  "applications",
  "applicationsets",
  "repositories",
  "clusters",
  "exec",
  "logs",
  "*",
]);

export function validateProject(project: AppProject): readonly ProjectProblem[] {
  const name = project.metadata.name ?? "";
  const { spec } = project;
  return [
    ...destinationProblems(spec),
    ...repeatedSources(spec),
    ...roleProblems(name, spec),
    ...windowProblems(spec),
    ...accountProblems(spec),
  ];
}

function destinationProblems(spec: AppProjectSpec): ProjectProblem[] {
  const seen = new Set<string>();
  const problems: ProjectProblem[] = [];
  for (const [index, { server = "", name = "", namespace = "" }] of (spec.destinations ?? []).entries()) {
    const field = `spec.destinations[${index}]`;
    if (server === "!*" || namespace === "!*")
      problems.push({ field, why: "!* denies everything, which is never meant" });
    const key = [server, name, namespace].join(" ");
    if (seen.has(key)) problems.push({ field, why: `destination '${server || name}/${namespace}' already added` });
    seen.add(key);
  }
  return problems;
}

function repeatedSources(spec: AppProjectSpec): ProjectProblem[] {
  const seen = new Set<string>();
  return (spec.sourceRepos ?? []).flatMap((url, index) => {
    if (url === "!*")
      return [{ field: `spec.sourceRepos[${index}]`, why: "!* denies everything, which is never meant" }];
    if (seen.has(url))
      return [{ field: `spec.sourceRepos[${index}]`, why: `source repository '${url}' already added` }];
    seen.add(url);
    return [];
  });
}

function roleProblems(project: string, spec: AppProjectSpec): ProjectProblem[] {
  const seen = new Set<string>();
  return (spec.roles ?? []).flatMap((role, index) => {
    const field = `spec.roles[${index}]`;
    const name = stringAt(role, "name") ?? "";
    const problems: ProjectProblem[] = [];
    if (!roleName.test(name)) problems.push({ field: `${field}.name`, why: `invalid role name '${name}'` });
    if (seen.has(name)) problems.push({ field: `${field}.name`, why: `role '${name}' already exists` });
    seen.add(name);
    const policies = new Set<unknown>();
    for (const [at, policy] of listAt(role, "policies").entries()) {
      const why = policies.has(policy) ? "the policy stands twice" : whyPolicyInvalid(project, name, policy);
      policies.add(policy);
      if (why !== undefined)
        problems.push({ field: `${field}.policies[${at}]`, why: `${JSON.stringify(policy)}: ${why}` });
    }
    const groups = new Set<unknown>();
    for (const [at, group] of listAt(role, "groups").entries()) {
      if (typeof group !== "string" || group.trim() === "" || /[\n\r\t,]/.test(group) || groups.has(group))
        problems.push({ field: `${field}.groups[${at}]`, why: `invalid group ${JSON.stringify(group)}` });
      groups.add(group);
    }
    return problems;
  });
}

function whyPolicyInvalid(project: string, role: string, policy: unknown): string | undefined {
  if (typeof policy !== "string") return "it is not a text";
  const fields = policy.split(",").map((field) => field.trim());
  const [type, subject, resource = "", action = "", object = "", effect] = fields;
  const wanted = `proj:${project}:${role}`;
  if (type !== "p" || fields.length !== 6) return "it is not of the form 'p, sub, res, act, obj, eft'";
  if (subject !== wanted) return `policy subject must be: '${wanted}', not '${subject}'`;
  if (!grantable.has(resource))
    return `project resource must be one of ${[...grantable].join(", ")}, not '${resource}'`;
  if (action === "") return "the action is missing";
  const pattern = new RegExp(`^(${project.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}|\\*)/[*\\w./-]+$`);
  if (!pattern.test(object))
    return `object must be of form '${project}/*', '${project}[/<NAMESPACE>]/<APPNAME>' or '*/<APPNAME>', not '${object}'`;
  if (effect !== "allow" && effect !== "deny") return `effect must be: 'allow' or 'deny', not '${effect}'`;
  return undefined;
}

function windowProblems(spec: AppProjectSpec): ProjectProblem[] {
  const seen = new Set<string>();
  const problems: ProjectProblem[] = parseWindows(spec.syncWindows).problems.map(({ index, why }) => ({
    field: `spec.syncWindows[${index}]`,
    why,
  }));
  for (const [index, window] of (spec.syncWindows ?? []).entries()) {
    if (!isObject(window)) continue;
    const key = JSON.stringify([
      window["kind"],
      window["schedule"],
      window["duration"],
      window["timeZone"],
      window["applications"],
      window["namespaces"],
      window["clusters"],
    ]);
    if (seen.has(key)) problems.push({ field: `spec.syncWindows[${index}]`, why: "the same window stands twice" });
    seen.add(key);
    if (["applications", "namespaces", "clusters"].every((list) => listAt(window, list).length === 0))
      problems.push({
        field: `spec.syncWindows[${index}]`,
        why: "window must have at least one application, cluster or namespace",
      });
  }
  return problems;
}

function accountProblems(spec: AppProjectSpec): ProjectProblem[] {
  const seen = new Set<string>();
  return (spec.destinationServiceAccounts ?? []).flatMap(({ server, namespace = "", defaultServiceAccount }, index) => {
    const field = `spec.destinationServiceAccounts[${index}]`;
    const problems: ProjectProblem[] = [];
    if (server.startsWith("!") || namespace.startsWith("!"))
      problems.push({ field, why: "server and namespace may not be negated" });
    if (!defaultServiceAccount || /[!*[\]{}\\/]/.test(defaultServiceAccount))
      problems.push({ field, why: `defaultServiceAccount has an invalid format: '${defaultServiceAccount ?? ""}'` });
    const key = `${server} ${namespace}`;
    if (seen.has(key))
      problems.push({ field, why: `destinationServiceAccount '${server}/${namespace}' already added` });
    seen.add(key);
    return problems;
  });
}
