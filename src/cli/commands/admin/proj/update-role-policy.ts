// `driftless admin proj update-role-policy`: one action allowed, denied or forgotten in roles of many projects at once. Only
// shows what it would do, unless told.
import { DriftlessError } from "#base/errors.ts";
import { listAt, sameJson, stringAt, type JsonObject } from "#base/json.ts";
import { glob } from "#core/policy/glob.ts";
import type { AppProject } from "#model/application.ts";
import { targetFlags } from "../../../admin/flags.ts";
import { onCluster, types } from "../../../admin/target.ts";
import { command } from "../../../command.ts";
import { diffLines, painted } from "../../../local/diffing.ts";
import { bool, text } from "../../../flags.ts";
import { yamlText } from "../../../view/print.ts";

export default command({
  usage: "PROJECT_GLOB MODIFICATION ACTION",
  about: "MODIFICATION is set or remove. Shows the changes; writes them with --dry-run=false.",
  examples: [
    [
      "Any action for roles called deployer",
      "driftless admin proj update-role-policy '*' set 'action/*' --role '*deployer*' --resource applications --scope '*' --permission allow",
    ],
    ["No override for them", "driftless admin proj update-role-policy '*' remove override --role '*deployer*'"],
  ],
  flags: {
    ...targetFlags,
    resource: text("Resource of the policy: applications, logs, …"),
    scope: text("Object of the policy, below the project: *"),
    role: text("Pattern of the roles' names", { fallback: "*" }),
    permission: text("allow or deny", { choices: ["", "allow", "deny"] }),
    "dry-run": bool("Show what would be done", { fallback: true }),
  },
  args: { min: 3, max: 3 },
  async run(context, { values, args }) {
    const [pattern = "", modification = "", action = ""] = args;
    const policy = modified(modification, values, action);
    const [projectFits, roleFits] = [glob(pattern), glob(values.role)];
    await onCluster(context, values, async ({ client, namespace }) => {
      for (const item of (await client.list(context.op, types.project, { namespace })).items) {
        const project = item as AppProject;
        const name = project.metadata.name ?? "";
        if (!projectFits(name)) continue;
        const spec = { ...project.spec, roles: updatedRoles(project, { action, roleFits, policy }) };
        if (sameJson(spec.roles, project.spec.roles ?? [])) continue;
        context.out.line(`===== ${name} ======`);
        const [before, after] = [await yamlText(project.spec), await yamlText(spec)];
        const lines = await diffLines([name, `${name}, changed`], before, after);
        context.out.write(lines.map((line) => painted(line, context.paint)).join("\n"));
        const fieldManager = "driftless";
        if (!values["dry-run"]) await client.replace(context.op, types.project, { ...project, spec }, { fieldManager });
      }
    });
  },
});

/** What follows `p, proj:PROJECT:ROLE, ` in the policy of a project; undefined: none. */
type PolicyOf = (project: string) => string | undefined;

function modified(
  modification: string,
  flags: { readonly resource: string; readonly scope: string; readonly permission: string },
  action: string,
): PolicyOf {
  if (modification === "remove") return () => undefined;
  if (modification !== "set")
    throw new DriftlessError("INVALID_ARGUMENT", `modification ${modification} is not supported: it is set or remove`);
  for (const name of ["resource", "scope", "permission"] as const)
    if (flags[name] === "")
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `Flag --${name} cannot be empty if permission should be set in role`,
      );
  return (project) => `${flags.resource}, ${action}, ${project}/${flags.scope}, ${flags.permission}`;
}

/** The project's roles with the policy for the action set, or without it. */
export function updatedRoles(
  project: AppProject,
  change: { readonly action: string; readonly roleFits: (name: string) => boolean; readonly policy: PolicyOf },
): readonly JsonObject[] {
  const name = project.metadata.name ?? "";
  const wanted = change.policy(name);
  return (project.spec.roles ?? []).map((role) => {
    const roleName = stringAt(role, "name") ?? "";
    if (!change.roleFits(roleName)) return role;
    const policies = listAt(role, "policies").filter((line) => typeof line === "string");
    const at = policies.findIndex((line) => {
      const parts = line.split(",").map((part) => part.trim());
      return parts.length === 6 && parts[3] === change.action;
    });
    const line = wanted === undefined ? [] : [`p, proj:${name}:${roleName}, ${wanted}`];
    if (at < 0 && wanted === undefined) return role;
    return { ...role, policies: at < 0 ? [...policies, ...line] : policies.toSpliced(at, 1, ...line) };
  });
}
