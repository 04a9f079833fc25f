// `driftless proj source-integrity git policies`: which keys commits of which repositories must be signed with.
import { DriftlessError, toError } from "#base/errors.ts";
import type { AppProjectSpec } from "#model/application.ts";
import { saysYes } from "../../../asking.ts";
import { command } from "../../../command.ts";
import type { Context } from "../../../context.ts";
import { bool, list, text } from "../../../flags.ts";
import { changeSpec } from "../../../server/project-change.ts";
import { keyId } from "../../../flags/project-flags.ts";
import { projects, publicKeys } from "../../../server/services.ts";
import { table } from "../../../view/table.ts";

interface Policy {
  readonly repos?: readonly { url: string }[];
  readonly gpg?: { readonly mode?: string; readonly keys?: readonly string[] };
}

const modes = ["strict", "head", "none"];

export const listPolicies = command({
  usage: "PROJECT",
  about: "update and delete take the IDs that are shown.",
  examples: [["The policies of a project", "driftless proj source-integrity git policies list payments"]],
  flags: {},
  args: { min: 1, max: 1 },
  async run(context, { args }) {
    const { spec } = await projects.get(context.op, await context.api(), args[0]!);
    context.out.write(policyTable(existing(spec, args[0]!)));
  },
});

export const addPolicy = command({
  usage: "PROJECT",
  examples: [
    [
      "Every commit must be signed",
      "driftless proj source-integrity git policies add payments --repo-url 'https://git.example.com/*' --gpg-mode strict --gpg-key D56C4FCA57A46444",
    ],
  ],
  flags: {
    "repo-url": list("Pattern of repository URLs; may be repeated"),
    "gpg-mode": text("What is verified: strict, head, none"),
    "gpg-key": list("ID of a key; may be repeated"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const policy: Policy = {
      repos: values["repo-url"].map((url) => ({ url })),
      gpg: { mode: modeOf(values["gpg-mode"]), keys: values["gpg-key"].map(checkedKey) },
    };
    await write(context, args[0]!, policy, (spec) => [...(spec.sourceIntegrity?.git?.policies ?? []), policy]);
  },
});

export const updatePolicy = command({
  usage: "PROJECT POLICY_ID",
  examples: [
    ["One more key", "driftless proj source-integrity git policies update payments 0 --add-gpg-key D56C4FCA57A46444"],
  ],
  flags: {
    "gpg-mode": text("What is verified: strict, head, none"),
    "repo-url": list("Patterns of repository URLs instead of those before"),
    "add-repo-url": list("Further pattern of repository URLs"),
    "delete-repo-url": list("Pattern of repository URLs to remove"),
    "gpg-key": list("IDs of keys instead of those before"),
    "add-gpg-key": list("ID of a further key"),
    "delete-gpg-key": list("ID of a key to remove"),
    yes: bool("Accepted: nothing is asked", { short: "y", hidden: true }),
  },
  args: { min: 2, max: 2 },
  async run(context, { values, args }) {
    const [project, id] = args as [string, string];
    const changed = (flag: "repo-url" | "gpg-key", before: readonly string[]): readonly string[] => {
      const [whole, more, less] = [values[flag], values[`add-${flag}`], values[`delete-${flag}`]];
      if (whole.length > 0 && more.length + less.length > 0)
        throw new DriftlessError(
          "INVALID_ARGUMENT",
          `--${flag} cannot be combined with --add-${flag} or --delete-${flag}`,
        );
      const rest = (whole.length > 0 ? whole : before).filter((item) => !less.includes(item));
      return [...rest, ...more.filter((item) => !rest.includes(item))];
    };
    let policy: Policy = {};
    await write(
      context,
      project,
      () => policy,
      (spec) => {
        const policies = existing(spec, project);
        const at = indexOf(policies, id);
        const before = policies[at]!;
        const urls = changed(
          "repo-url",
          (before.repos ?? []).map(({ url }) => url),
        );
        const keys = changed("gpg-key", before.gpg?.keys ?? []).map(checkedKey);
        policy = {
          repos: urls.map((url) => ({ url })),
          gpg: { mode: modeOf(values["gpg-mode"] || (before.gpg?.mode ?? "")), keys },
        };
        return policies.with(at, policy);
      },
    );
  },
});

export const deletePolicy = command({
  usage: "PROJECT POLICY_ID...",
  examples: [["Two of them", "driftless proj source-integrity git policies delete payments 1 3"]],
  flags: { yes: bool("Do not ask", { short: "y" }) },
  args: { min: 2, max: Infinity },
  async run(context, { values, args }) {
    const [project, ...ids] = args as [string, ...string[]];
    await changeSpec(context, project, async (spec) => {
      const policies = existing(spec, project);
      const gone = new Set(ids.map((id) => indexOf(policies, id)));
      const listed = [...gone].sort((a, b) => a - b).join(", ");
      const question = `Are you sure you want to delete policie(s) ${listed} from project "${project}"? [y/N]`;
      if (!values.yes && !(await saysYes(context, question))) {
        context.out.line("Aborted by user.");
        return undefined;
      }
      return withPolicies(
        spec,
        policies.filter((_, index) => !gone.has(index)),
      );
    });
  },
});

/** Writes the policies and prints them; warns of one that can never be right. */
async function write(
  context: Context,
  project: string,
  policy: Policy | (() => Policy),
  change: (spec: AppProjectSpec) => readonly Policy[],
): Promise<void> {
  const written = await changeSpec(context, project, async (spec) => {
    const changed = withPolicies(spec, change(spec));
    await warn(context, typeof policy === "function" ? policy() : policy);
    return changed;
  });
  context.out.write(policyTable(written?.sourceIntegrity?.git?.policies ?? []));
}

async function warn(context: Context, { repos = [], gpg }: Policy): Promise<void> {
  const { keys = [] } = gpg ?? {};
  if (repos.length === 0) context.err.line("Warning: Policy has no repository URLs and will never be used");
  if (keys.length === 0) {
    context.err.line("Warning: Policy has no GPG keys and will never validate any revision");
    return;
  }
  let known: readonly string[];
  try {
    known = (await publicKeys.list(context.op, await context.api())).map(({ keyID }) => keyID);
  } catch (thrown) {
    // Who may change a project need not be allowed to see the keys: the policy is written all the same.
    context.err.line(`Warning: the keyring cannot be read: ${toError(thrown).message}`);
    return;
  }
  for (const key of keys)
    if (!known.includes(key)) context.err.line(`Warning: GPG key ${key} is not in the keyring; see driftless gpg add`);
}

function withPolicies(spec: AppProjectSpec, policies: readonly Policy[]): AppProjectSpec {
  const { sourceIntegrity: _before, ...rest } = spec;
  return policies.length === 0 ? rest : { ...rest, sourceIntegrity: { git: { policies } } };
}

function existing(spec: AppProjectSpec, project: string): readonly Policy[] {
  const policies = spec.sourceIntegrity?.git?.policies ?? [];
  if (policies.length === 0)
    throw new DriftlessError("NOT_FOUND", `No source integrity git policies defined for project "${project}"`);
  return policies;
}

function indexOf(policies: readonly Policy[], id: string): number {
  if (!/^\d+$/.test(id)) throw new DriftlessError("INVALID_ARGUMENT", `Invalid POLICY_ID '${id}'`);
  if (Number(id) >= policies.length)
    throw new DriftlessError("INVALID_ARGUMENT", `POLICY_ID ${id} is out of range (0-${policies.length - 1})`);
  return Number(id);
}

function modeOf(mode: string): string {
  if (mode === "") throw new DriftlessError("INVALID_ARGUMENT", "gpg-mode must be set: strict, head or none");
  if (!modes.includes(mode))
    throw new DriftlessError("INVALID_ARGUMENT", `gpg-mode must be one of: ${modes.join(", ")}`);
  return mode;
}

function checkedKey(key: string): string {
  keyId(key);
  return key;
}

function policyTable(policies: readonly Policy[]): string {
  const joined = (items: readonly string[]): string => (items.length === 0 ? "<none>" : items.join(", "));
  const rows = policies.map(({ repos = [], gpg }, index) => [
    String(index),
    gpg?.mode ?? "<none>",
    joined(gpg?.keys ?? []),
    joined(repos.map(({ url }) => url)),
  ]);
  return table([["ID", "GPG-MODE", "GPG-KEYS", "REPO-URLS"], ...rows]);
}
