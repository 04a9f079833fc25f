// The flags of `proj create` and `proj set`, and what they make of a project's spec. Pure.
import { DriftlessError } from "#base/errors.ts";
import type { AppProjectSpec, ResourceMatch } from "#model/application.ts";
import { bool, list, text, texts, type FlagValues, type Flags } from "../flags.ts";

export const projectFlags = {
  description: text("Description of the project"),
  dest: texts("Permitted destination: SERVER,NAMESPACE; may be repeated", { short: "d" }),
  src: texts("Permitted repository URL; may be repeated", { short: "s" }),
  "signature-keys": list("IDs of the OpenPGP keys that commits must be signed with"),
  "source-namespaces": list("Namespaces that applications of the project may be in"),
  "dest-service-accounts": texts("Service account to sync as: SERVER,NAMESPACE,ACCOUNT; may be repeated"),
  "orphaned-resources": bool("Watch for resources that belong to no application"),
  "orphaned-resources-warn": bool("Warn of them by a condition of the applications"),
  "allow-cluster-resource": texts("Permitted kind without a namespace: GROUP/KIND; may be repeated"),
  "deny-cluster-resource": texts("Refused kind without a namespace: GROUP/KIND; may be repeated"),
  "allow-namespaced-resource": texts("Permitted kind in namespaces: GROUP/KIND; may be repeated"),
  "deny-namespaced-resource": texts("Refused kind in namespaces: GROUP/KIND; may be repeated"),
} as const satisfies Flags;

type Values = FlagValues<typeof projectFlags>;

/** The spec with each flag that was written in place of what it had. Error: INVALID_ARGUMENT naming the flag. */
export function withProjectFlags(spec: AppProjectSpec, values: Values, given: ReadonlySet<string>): AppProjectSpec {
  const parts: Readonly<Record<string, () => Partial<AppProjectSpec>>> = {
    description: () => ({ description: values.description }),
    dest: () => ({ destinations: values.dest.map(destination) }),
    src: () => ({ sourceRepos: values.src }),
    "signature-keys": () => ({ signatureKeys: values["signature-keys"].map((id) => ({ keyID: keyId(id) })) }),
    "source-namespaces": () => ({ sourceNamespaces: values["source-namespaces"] }),
    "dest-service-accounts": () => ({
      destinationServiceAccounts: values["dest-service-accounts"].map(serviceAccount),
    }),
    "allow-cluster-resource": () => ({ clusterResourceWhitelist: kinds(values, "allow-cluster-resource") }),
    "deny-cluster-resource": () => ({ clusterResourceBlacklist: kinds(values, "deny-cluster-resource") }),
    "allow-namespaced-resource": () => ({ namespaceResourceWhitelist: kinds(values, "allow-namespaced-resource") }),
    "deny-namespaced-resource": () => ({ namespaceResourceBlacklist: kinds(values, "deny-namespaced-resource") }),
  };
  const changes = Object.entries(parts).flatMap(([name, part]) => (given.has(name) ? [part()] : []));
  const changed = Object.assign({}, spec, ...changes) as AppProjectSpec;
  return orphanedSettings(changed, values, given);
}

/** Whether any of the flags was written. */
export const anyProjectFlag = (given: ReadonlySet<string>): boolean =>
  Object.keys(projectFlags).some((name) => given.has(name));

function orphanedSettings(spec: AppProjectSpec, values: Values, given: ReadonlySet<string>): AppProjectSpec {
  const warns = given.has("orphaned-resources-warn");
  if (!warns && !given.has("orphaned-resources")) return spec;
  const { orphanedResources: before, ...rest } = spec;
  if (!warns && !values["orphaned-resources"]) return rest;
  return {
    ...rest,
    orphanedResources: {
      ...(before?.ignore ? { ignore: before.ignore } : {}),
      ...(warns ? { warn: values["orphaned-resources-warn"] } : {}),
    },
  };
}

function kinds(
  values: Values,
  flag: "allow-cluster-resource" | "deny-cluster-resource" | "allow-namespaced-resource" | "deny-namespaced-resource",
): ResourceMatch[] {
  return values[flag].map((written) => {
    const parts = written.split("/");
    const [group, kind] = parts.length === 1 ? ["", parts[0]!] : [parts[0]!, parts[1]!];
    if (parts.length > 2 || kind === "")
      throw new DriftlessError("INVALID_ARGUMENT", `--${flag} takes GROUP/KIND, not "${written}"`);
    return { group, kind };
  });
}

function destination(written: string): { server: string; namespace: string } {
  const [server, namespace, ...more] = written.split(",");
  if (!server || namespace === undefined || more.length > 0)
    throw new DriftlessError("INVALID_ARGUMENT", `--dest takes SERVER,NAMESPACE, not "${written}"`);
  return { server, namespace };
}

function serviceAccount(written: string): { server: string; namespace: string; defaultServiceAccount: string } {
  const [server, namespace, defaultServiceAccount, ...more] = written.split(",");
  if (!server || namespace === undefined || !defaultServiceAccount || more.length > 0)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `--dest-service-accounts takes SERVER,NAMESPACE,ACCOUNT, not "${written}"`,
    );
  return { server, namespace, defaultServiceAccount };
}

/** The long ID of an OpenPGP key: of a fingerprint its last 16 digits. Error: INVALID_ARGUMENT. */
export function keyId(written: string): string {
  if (!/^([0-9A-Fa-f]{8}|[0-9A-Fa-f]{16}|[0-9A-Fa-f]{40})$/.test(written))
    throw new DriftlessError("INVALID_ARGUMENT", `'${written}' is not a valid GnuPG key ID: 16 hexadecimal digits`);
  return written.length === 40 ? written.slice(-16) : written;
}
