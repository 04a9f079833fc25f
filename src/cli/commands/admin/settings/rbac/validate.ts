// `driftless admin settings rbac validate`: whether the server would take a policy, and what in it can never apply.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Rule } from "#core/policy/rbac.ts";
import { rbacActions, unknownRbacWord } from "#core/policy/rbac-words.ts";
import { settingsFlags } from "../../../../admin/flags.ts";
import { command } from "../../../../command.ts";
import { text } from "../../../../flags.ts";
import { policySource } from "./policy.ts";

export default command({
  usage: "[--policy-file POLICYFILE] [--namespace NAMESPACE]",
  about:
    "Reads the policy as the server does. Rules that name what does not exist are valid, as for Argo CD, but are told of.",
  examples: [
    ["Of a file", "driftless admin settings rbac validate --policy-file policy.csv"],
    ["Of the cluster", "driftless admin settings rbac validate --namespace argocd"],
  ],
  flags: {
    ...settingsFlags,
    namespace: text("Namespace whose argocd-rbac-cm is read"),
    "policy-file": text("File with policy lines, or with a ConfigMap like argocd-rbac-cm"),
  },
  args: { min: 0, max: 0 },
  errorCode: 1,
  async run(context, { values }) {
    const { config } = await policySource(context, values, { namespaced: values.namespace !== "" });
    const { readPolicy, configuredPolicy } = await (await context.admin()).policies();
    const lines = configuredPolicy(config);
    if (lines.trim() === "") throw new DriftlessError("CONFIG_INVALID", "Policy is empty or could not be loaded");
    try {
      const mode = config["policy.matchMode"] === "regex" ? "regex" : "glob";
      const { rules } = readPolicy(lines);
      for (const warning of warnings(rules, mode)) context.err.line(`warning: ${warning}`);
    } catch (thrown) {
      context.out.line(`Policy is invalid: ${toError(thrown).message}`);
      return 1;
    }
    context.out.line("Policy is valid.");
    return 0;
  },
});

/** Rules whose resource or action is a plain word that does not exist; in regex mode, patterns that are none. */
export function warnings(rules: readonly Rule[], mode: "glob" | "regex"): readonly string[] {
  return rules.flatMap((rule) => {
    const [, resource, action] = rule;
    const shown = `p, ${rule.join(", ")}`;
    if (mode === "regex") {
      const broken = rule.slice(1, 4).find((pattern) => !isRegex(pattern));
      return broken === undefined ? [] : [`'${broken}' is not a regular expression and matches nothing: ${shown}`];
    }
    const plain = (word: string): boolean => !/[*?[\]{}!\\]/.test(word);
    if (!plain(resource)) return [];
    if (!Object.hasOwn(rbacActions, resource)) return [`'${resource}' is not a valid resource name: ${shown}`];
    const name = action.split("/")[0]!;
    const unknown = plain(name) ? unknownRbacWord(resource, action) : undefined;
    return unknown === undefined ? [] : [`${unknown}: ${shown}`];
  });
}

function isRegex(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u").source !== "";
  } catch {
    return false;
  }
}
