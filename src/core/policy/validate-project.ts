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
  "exec",
  "logs",
  "clusters",
]);
const actions: ReadonlySet<string> = new Set(["get", "create", "update", "delete", "sync", "override", "*"]);
const longestDescription = 255;

/** What is wrong with a project, in Argo CD's words; nothing where it may be written. */
export function validateProject(project: AppProject): readonly ProjectProblem[] {
  const name = project.metadata.name ?? "";
  const { spec } = project;
  return [
    ...destinationProblems(spec),
    ...namespaceProblems(spec),
    ...sourceProblems(spec),
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
    for (const [part, text] of Object.entries({ name, server, namespace }))
      if (text === "!*") problems.push({ field: `${field}.${part}`, why: `${part} has an invalid format, '!*'` });
    const key = `${server === "" ? name : server}/${namespace}`;
    if (seen.has(key)) problems.push({ field, why: `destination '${key}' already added` });
    seen.add(key);
  }
  return problems;
}

function namespaceProblems({ sourceNamespaces = [] }: AppProjectSpec): ProjectProblem[] {
  return sourceNamespaces.flatMap((namespace, index) => {
    const field = `spec.sourceNamespaces[${index}]`;
    if (sourceNamespaces.indexOf(namespace) < index)
      return [{ field, why: `source namespace '${namespace}' already added` }];
    return isExpression(namespace) && !compiles(namespace.slice(1, -1))
      ? [{ field, why: `'${namespace}' is not a regular expression` }]
      : [];
  });
}

const isExpression = (text: string): boolean => text.length > 2 && text.startsWith("/") && text.endsWith("/");

function compiles(source: string): boolean {
  try {
    return new RegExp(source, "u").source !== "";
  } catch {
    return false;
  }
}

function sourceProblems({ sourceRepos = [] }: AppProjectSpec): ProjectProblem[] {
  return sourceRepos.flatMap((url, index) => {
    const field = `spec.sourceRepos[${index}]`;
    if (url === "!*") return [{ field, why: "source repository has an invalid format, '!*'" }];
    return sourceRepos.indexOf(url) < index ? [{ field, why: `source repository '${url}' already added` }] : [];
  });
}

function roleProblems(project: string, spec: AppProjectSpec): ProjectProblem[] {
  const seen = new Set<string>();
  return (spec.roles ?? []).flatMap((role, index) => {
    const field = `spec.roles[${index}]`;
    const name = stringAt(role, "name") ?? "";
    const problems: ProjectProblem[] = [];
    if (seen.has(name)) problems.push({ field: `${field}.name`, why: `role '${name}' already exists` });
    else if (!roleName.test(name))
      problems.push({
        field: `${field}.name`,
        why: `invalid role name '${name}'. Must consist of alphanumeric characters, '-' or '_', and must start and end with an alphanumeric character`,
      });
    seen.add(name);
    const once = (list: "policies" | "groups", whyInvalid: (item: unknown) => string | undefined): void => {
      const items = listAt(role, list);
      for (const [at, item] of items.entries()) {
        const word = list === "policies" ? "policy" : "group";
        const twice = items.indexOf(item) < at;
        const why = twice ? `${word} '${String(item)}' already exists for role '${name}'` : whyInvalid(item);
        if (why !== undefined) problems.push({ field: `${field}.${list}[${at}]`, why });
      }
    };
    once("policies", (policy) => whyPolicyInvalid(project, name, policy));
    once("groups", whyGroupInvalid);
    return problems;
  });
}

function whyPolicyInvalid(project: string, role: string, policy: unknown): string | undefined {
  const invalid = (why: string): string => `invalid policy rule '${String(policy)}': ${why}`;
  const fields = typeof policy === "string" ? policy.split(",").map((field) => field.replace(/^ +| +$/g, "")) : [];
  const [type, subject, resource = "", action = "", object = "", effect = ""] = fields;
  const wanted = `proj:${project}:${role}`;
  if (type !== "p" || fields.length !== 6) return invalid("must be of the form: 'p, sub, res, act, obj, eft'");
  if (subject !== wanted) return invalid(`policy subject must be: '${wanted}', not '${subject}'`);
  if (!grantable.has(resource))
    return invalid(
      `project resource must be: 'applications', 'applicationsets', 'repositories', 'exec', 'logs' or 'clusters', not '${resource}'`,
    );
  if (!actions.has(action) && !/^(?:action|update|delete)\/./.test(action))
    return invalid(`invalid action '${action}'`);
  if (!object.startsWith(`${project}/`) || !/^[*\w./:?@~+%-]+$/.test(object.slice(project.length + 1)))
    return invalid(
      `object must be of form '${project}/*', '${project}[/<NAMESPACE>]/<APPNAME>' or '${project}/<APPNAME>', not '${object}'`,
    );
  if (effect !== "allow" && effect !== "deny") return invalid("effect must be: 'allow' or 'deny'");
  return undefined;
}

/** A group's name, in quotes where it holds a comma. */
function whyGroupInvalid(group: unknown): string | undefined {
  if (typeof group !== "string") return "a group is not a text";
  const trimmed = group.trim();
  const quoted = trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"');
  const name = quoted ? trimmed.slice(1, -1) : trimmed;
  if (!quoted && name.includes(",")) return `group '${name}' must be quoted`;
  if (name === "") return `group '${name}' is empty`;
  if (/["\n\r\t]/.test(quoted ? name : group)) return `group '${name}' contains invalid characters`;
  if (/^\s/.test(group)) return `group '${name}' contains a leading space`;
  return /\s$/.test(group) ? `group '${name}' contains a trailing space` : undefined;
}

function windowProblems(spec: AppProjectSpec): ProjectProblem[] {
  const seen = new Set<string>();
  const problems: ProjectProblem[] = parseWindows(spec.syncWindows).problems.map(({ index, why }) => ({
    field: `spec.syncWindows[${index}]`,
    why,
  }));
  for (const [index, window] of (spec.syncWindows ?? []).entries()) {
    if (!isObject(window)) continue;
    const field = `spec.syncWindows[${index}]`;
    const text = (name: string): string => stringAt(window, name) ?? "";
    const [kind, schedule, duration] = [text("kind"), text("schedule"), text("duration")];
    // What a window does about syncs by hand, and what it is called, makes it no other.
    const lists = ["applications", "namespaces", "clusters"].map((name) => listAt(window, name));
    const key = JSON.stringify([
      kind,
      schedule,
      duration,
      text("timeZone") || "UTC",
      window["andOperator"] === true,
      lists,
    ]);
    if (seen.has(key))
      problems.push({
        field,
        why: `sync window with kind '${kind}', schedule '${schedule}', and duration '${duration}' already exists`,
      });
    seen.add(key);
    if (text("description").length > longestDescription)
      problems.push({ field: `${field}.description`, why: "description must not exceed 255 characters" });
    if (lists.every((list) => list.length === 0))
      problems.push({
        field,
        why: `window '${kind}':'${schedule}':'${duration}' requires one of application, cluster or namespace`,
      });
  }
  return problems;
}

function accountProblems(spec: AppProjectSpec): ProjectProblem[] {
  const seen = new Set<string>();
  return (spec.destinationServiceAccounts ?? []).flatMap(
    ({ server = "", namespace = "", defaultServiceAccount }, index) => {
      const field = `spec.destinationServiceAccounts[${index}]`;
      const problems: ProjectProblem[] = [];
      for (const [part, text] of Object.entries({ server, namespace }))
        if (text.includes("!")) problems.push({ field, why: `${part} has an invalid format, '${text}'` });
      if (!defaultServiceAccount?.trim() || /[!*[\]{}\\/]/.test(defaultServiceAccount))
        problems.push({ field, why: `defaultServiceAccount has an invalid format, '${defaultServiceAccount ?? ""}'` });
      const key = `${server} ${namespace}`;
      if (seen.has(key))
        problems.push({ field, why: `destinationServiceAccount '${server}/${namespace}' already added` });
      seen.add(key);
      return problems;
    },
  );
}
