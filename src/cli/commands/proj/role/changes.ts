// Commands that create and delete roles of a project, and change their policies and groups.
import { DriftlessError } from "#base/errors.ts";
import type { AppProjectSpec } from "#model/application.ts";
import { agreed } from "../../../asking.ts";
import { command } from "../../../command.ts";
import { text, type FlagValues, type Flags } from "../../../flags.ts";
import { changeSpec, roleOf, rolesOf, withRole, withRoles } from "../../../server/project-change.ts";

/** What a project's role may be given rights over. */
const resources = ["applications", "applicationsets", "clusters", "exec", "logs", "repositories"];

const policyFlags = {
  action: text("Action to allow or deny: get, create, update, delete, sync, override, action/…", { short: "a" }),
  permission: text("allow or deny", { short: "p", fallback: "allow", choices: ["allow", "deny"] }),
  object: text("Object in the project, * for any", { short: "o" }),
  resource: text(`What the object is: ${resources.join(", ")}`, { short: "r", fallback: "applications" }),
} as const satisfies Flags;

function policyOf(project: string, role: string, values: FlagValues<typeof policyFlags>): string {
  if (!resources.includes(values.resource))
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `--resource takes one of ${resources.join(", ")}, not "${values.resource}"`,
    );
  if (values.action === "" || values.object === "")
    throw new DriftlessError("INVALID_ARGUMENT", "which action on what? give --action and --object");
  return `p, proj:${project}:${role}, ${values.resource}, ${values.action}, ${project}/${values.object}, ${values.permission}`;
}

export const createRole = command({
  usage: "PROJECT ROLE-NAME",
  examples: [["For a pipeline", 'driftless proj role create payments ci --description "deploys from the pipeline"']],
  flags: { description: text("Description of the role") },
  args: { min: 2, max: 2 },
  async run(context, { values, args }) {
    const [project, name] = args as [string, string];
    const written = await changeSpec(context, project, (spec) => {
      if (rolesOf(spec).some((role) => role.name === name)) return undefined;
      const added = { name, ...(values.description === "" ? {} : { description: values.description }) };
      return withRoles(spec, [...rolesOf(spec), added]);
    });
    context.out.line(written ? `Role '${name}' created` : `Role '${name}' already exists`);
  },
});

export const deleteRole = command({
  usage: "PROJECT ROLE-NAME",
  about: "Tokens of the role are refused from then on.",
  examples: [["A role", "driftless proj role delete payments ci"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { given, args }) {
    const [project, name] = args as [string, string];
    let told = `Role '${name}' does not exist in project`;
    await changeSpec(context, project, async (spec): Promise<AppProjectSpec | undefined> => {
      const rest = rolesOf(spec).filter((role) => role.name !== name);
      if (rest.length === rolesOf(spec).length) return undefined;
      const goes = await agreed(context, given, `Are you sure you want to delete '${name}' role? [y/n]`);
      told = goes ? `Role '${name}' deleted` : `The command to delete role '${name}' was cancelled.`;
      return goes ? withRoles(spec, rest) : undefined;
    });
    context.out.line(told);
  },
});

export const addPolicy = command({
  usage: "PROJECT ROLE-NAME",
  examples: [["It may sync everything", "driftless proj role add-policy payments ci --action sync --object '*'"]],
  flags: policyFlags,
  args: { min: 2, max: 2 },
  async run(context, { values, args }) {
    const [project, name] = args as [string, string];
    const policy = policyOf(project, name, values);
    await changeSpec(context, project, (spec, whole) => {
      const role = roleOf(whole, name);
      return withRole(spec, { ...role, policies: [...(role.policies ?? []), policy] });
    });
  },
});

export const removePolicy = command({
  usage: "PROJECT ROLE-NAME",
  examples: [["It no longer may", "driftless proj role remove-policy payments ci --action sync --object '*'"]],
  flags: policyFlags,
  args: { min: 2, max: 2 },
  async run(context, { values, given, args }) {
    const [project, name] = args as [string, string];
    const policy = policyOf(project, name, values);
    await changeSpec(context, project, async (spec, whole) => {
      const role = roleOf(whole, name);
      const rest = (role.policies ?? []).filter((item) => item !== policy);
      if (rest.length === (role.policies ?? []).length) {
        context.err.line(`driftless: role '${name}' has no such policy: ${policy}`);
        return undefined;
      }
      if (await agreed(context, given, `Are you sure you want to delete '${policy}' policy? [y/n]`))
        return withRole(spec, { ...role, policies: rest });
      context.out.line(`The command to delete policy '${policy}' was cancelled.`);
      return undefined;
    });
  },
});

export const addGroup = command({
  usage: "PROJECT ROLE-NAME GROUP-CLAIM",
  examples: [["Members of a group have the role", "driftless proj role add-group payments ci team-payments"]],
  flags: {},
  args: { min: 3, max: 3 },
  async run(context, { args }) {
    const [project, name, group] = args as [string, string, string];
    const written = await changeSpec(context, project, (spec, whole) => {
      const role = roleOf(whole, name);
      if (role.groups?.includes(group)) return undefined;
      return withRole(spec, { ...role, groups: [...(role.groups ?? []), group] });
    });
    context.out.line(
      written ? `Group '${group}' added to role '${name}'` : `Group '${group}' already present in role '${name}'`,
    );
  },
});

export const removeGroup = command({
  usage: "PROJECT ROLE-NAME GROUP-CLAIM",
  examples: [["They no longer have it", "driftless proj role remove-group payments ci team-payments"]],
  flags: {},
  args: { min: 3, max: 3 },
  async run(context, { given, args }) {
    const [project, name, group] = args as [string, string, string];
    let told = `Group '${group}' not present in role '${name}'`;
    await changeSpec(context, project, async (spec, whole) => {
      const role = roleOf(whole, name);
      if (!role.groups?.includes(group)) return undefined;
      const question = `Are you sure you want to remove '${group}' group from role '${name}'? [y/n]`;
      const goes = await agreed(context, given, question);
      told = goes
        ? `Group '${group}' removed from role '${name}'`
        : `The command to remove group '${group}' from role '${name}' was cancelled.`;
      return goes ? withRole(spec, { ...role, groups: role.groups.filter((item) => item !== group) }) : undefined;
    });
    context.out.line(told);
  },
});
