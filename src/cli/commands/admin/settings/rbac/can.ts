// `driftless admin settings rbac can`: whether a policy lets a role or subject do something, without asking a server.
import { DriftlessError } from "#base/errors.ts";
import { builtinRoles } from "#core/policy/builtin-roles.ts";
import { Policy } from "#core/policy/rbac.ts";
import { rbacResource, unknownRbacWord } from "#core/policy/rbac-words.ts";
import { settingsFlags } from "../../../../admin/flags.ts";
import { command } from "../../../../command.ts";
import { bool, text } from "../../../../flags.ts";
import { policySource } from "./policy.ts";

/** Without an object, and for `*`, these are asked about as `PROJECT/NAME`. */
const inProjects = new Set(["applications", "applicationsets", "clusters", "exec", "logs", "repositories"]);

export default command({
  usage: "ROLE/SUBJECT ACTION RESOURCE [SUB-RESOURCE]",
  about:
    "Prints Yes and ends with 0, or prints No and ends with 1. The policy is that of a file, with policy lines or a ConfigMap like argocd-rbac-cm, or that of the cluster; there also the roles of a project are known.",
  examples: [
    [
      "By a file",
      "driftless admin settings rbac can role:staff create application 'default/app' --policy-file policy.csv",
    ],
    ["By the policy of the cluster", "driftless admin settings rbac can alice sync app 'web/*' --namespace argocd"],
    ["A role of a project", "driftless admin settings rbac can proj:web:ci sync app 'web/shop' --namespace argocd"],
  ],
  flags: {
    ...settingsFlags,
    "policy-file": text("File with policy lines, or with a ConfigMap like argocd-rbac-cm"),
    "default-role": text("Role that everybody has, in place of policy.default"),
    "use-builtin-policy": bool("The built-in roles, role:admin and role:readonly, count", { fallback: true }),
    strict: bool("Refuse actions and resources that do not exist", { fallback: true }),
    quiet: bool("Print nothing: the exit code answers", { short: "q" }),
  },
  args: { min: 3, max: 4 },
  errorCode: 1,
  async run(context, { values, given, args }) {
    const [subject = "", action = "", word = "", written = ""] = args;
    const source = await policySource(context, values, { namespaced: given.has("namespace"), subject });
    const { readPolicy, configuredPolicy, projectPolicy } = await (await context.admin()).policies();
    const own = readPolicy(configuredPolicy(source.config));
    const resource = rbacResource(word);
    const unknown = values.strict ? unknownRbacWord(resource, action) : undefined;
    if (unknown !== undefined) throw new DriftlessError("INVALID_ARGUMENT", `error in RBAC request: ${unknown}`);
    const policy = new Policy(
      [
        ...(values["use-builtin-policy"] ? [builtinRoles] : []),
        own,
        ...(source.project ? [readPolicy(projectPolicy(source.project))] : []),
      ],
      source.config["policy.matchMode"] === "regex" ? "regex" : "glob",
    );
    const object = inProjects.has(resource) && (written === "" || written === "*") ? "*/*" : written;
    const everybody = values["default-role"] || source.config["policy.default"];
    const subjects = [...(everybody ? [everybody] : []), subject];
    const may = subjects.some((one) => policy.may(one, resource, action, object));
    if (!values.quiet) context.out.line(may ? "Yes" : "No");
    return may ? 0 : 1;
  },
});
