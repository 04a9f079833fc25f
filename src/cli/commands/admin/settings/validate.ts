// `driftless admin settings validate`: what the server would find wrong with argocd-cm and argocd-secret.
import { DriftlessError } from "#base/errors.ts";
import type { ConfigData } from "#model/settings.ts";
import { settingsFlags } from "../../../admin/flags.ts";
import { readSettings, type ReadSettings } from "../../../admin/settings.ts";
import { command } from "../../../command.ts";
import type { Context } from "../../../context.ts";
import { texts } from "../../../flags.ts";

const groups = ["accounts", "general", "kustomize", "resource-overrides"] as const;
type Group = (typeof groups)[number];

export default command({
  about:
    "Reads them as the server does; for each value that cannot be read, the server takes the default. Ends with 1 where something is wrong.",
  examples: [
    ["Everything in a file", "driftless admin settings validate --argocd-cm-path ./argocd-cm.yaml"],
    [
      "Accounts and Kustomize's options on the cluster",
      "driftless admin settings validate --group accounts --group kustomize --load-cluster-settings",
    ],
  ],
  flags: {
    ...settingsFlags,
    group: texts(`Group of settings: ${groups.join(", ")}; may be repeated; all unless told`),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    const wanted = values.group.length > 0 ? values.group.map(knownGroup) : groups;
    const read = await readSettings(context, values);
    const problems = await problemsOf(context, read);
    const parts = wanted.map((group) => {
      const found = problems.filter(([of]) => of === group).map(([, why]) => why);
      return found.length > 0 ? `❌ ${group}\n${found.join("\n")}\n` : `✅ ${group}\n${summaryOf(group, read)}\n`;
    });
    context.out.write(parts.join("\n"));
    return problems.some(([of]) => wanted.includes(of)) ? 1 : 0;
  },
});

function knownGroup(word: string): Group {
  const found = groups.find((group) => group === word);
  if (found) return found;
  throw new DriftlessError("INVALID_ARGUMENT", `--group takes one of ${groups.join(", ")}, not "${word}"`);
}

type Problem = readonly [group: Group, why: string];

async function problemsOf(context: Context, { settings, problems, secret }: ReadSettings): Promise<readonly Problem[]> {
  const overrides = await (await context.admin()).overrides(settings);
  try {
    return [
      ...problems.map(({ key, value, why }): Problem => [groupOf(key), `${key}: ${why}${quoted(value)}`]),
      ...accountProblems(secret ?? {}).map((why): Problem => ["accounts", why]),
      ...overrides.problems().map((why): Problem => ["resource-overrides", why]),
    ];
  } finally {
    await overrides.close();
  }
}

function groupOf(key: string): Group {
  if (/^(accounts\.|admin\.|users\.|passwordPattern$)/.test(key)) return "accounts";
  if (key.startsWith("kustomize.")) return "kustomize";
  return key.startsWith("resource.") ? "resource-overrides" : "general";
}

const quoted = (value: string): string => (value === "" || value.includes("\n") ? "" : `: ${value}`);

/** Never with a value: they are secrets. */
function accountProblems(secret: ConfigData): readonly string[] {
  return Object.entries(secret).flatMap(([key, text]) => {
    if (
      /^(admin|accounts\.[^.]+)\.password$/.test(key) &&
      text !== "" &&
      !/^\$2[abxy]?\$\d\d\$.{53}$/.test(text.trim())
    )
      return [`argocd-secret: ${key} is not the bcrypt hash of a password`];
    if (/\.?passwordMtime$/.test(key) && text !== "" && !/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text))
      return [`argocd-secret: ${key} is not a time`];
    return /^accounts\.[^.]+\.tokens$|^admin\.tokens$/.test(key) && text !== "" && !isTokens(text)
      ? [`argocd-secret: ${key} is not a JSON list of tokens`]
      : [];
  });
}

function isTokens(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return value === null || Array.isArray(value);
  } catch {
    return false;
  }
}

function summaryOf(group: Group, { settings, data }: ReadSettings): string {
  if (group === "accounts") return `${settings.accounts.filter(({ name }) => name !== "admin").length + 1} accounts`;
  if (group === "kustomize") {
    const { buildOptions, versions } = settings.kustomize;
    const count = Object.keys(versions).length;
    return `${buildOptions || "default options"}${count > 0 ? ` (${count} versions)` : ""}`;
  }
  if (group === "resource-overrides")
    return `${new Set(settings.resourceCustomizations.map(({ groupKind }) => groupKind)).size} resource overrides`;
  const provider = data["dex.config"]?.trim() ? "Dex" : data["oidc.config"]?.trim() ? "OIDC" : undefined;
  if (provider === undefined) return "SSO is not configured";
  return `${provider} is configured${settings.url ? "" : " ('url' field is missing)"}`;
}
