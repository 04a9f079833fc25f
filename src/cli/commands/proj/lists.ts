// Commands that add one entry to a list of a project, or take one away: sources, namespaces, destinations, kinds, keys.
import { DriftlessError } from "#base/errors.ts";
import type { AppProjectSpec, ResourceMatch } from "#model/application.ts";
import { command, type Command } from "../../command.ts";
import { bool, text } from "../../flags.ts";
import { changeSpec } from "../../server/project-change.ts";
import { keyId } from "../../flags/project-flags.ts";

const refused = (message: string): DriftlessError => new DriftlessError("FAILED_PRECONDITION", message);
/** Repositories are the same with and without `.git` and a slash at the end, as far as a list of them goes. */
const plain = (url: string): string =>
  url
    .replace(/\/+$/, "")
    .replace(/\.git$/, "")
    .toLowerCase();

export const addSource = command({
  usage: "PROJECT URL",
  examples: [["Permit a repository", "driftless proj add-source payments https://git.example.com/payments.git"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    const [project, url] = args as [string, string];
    await changeSpec(context, project, (spec) => {
      const known = (spec.sourceRepos ?? []).find((item) => (item === "*" ? url === "*" : plain(item) === plain(url)));
      if (known === undefined) return { ...spec, sourceRepos: [...(spec.sourceRepos ?? []), url] };
      context.out.line(`Source repository '${known}' already allowed in project`);
      return undefined;
    });
  },
});

export const removeSource = command({
  usage: "PROJECT URL",
  examples: [["No longer permit one", "driftless proj remove-source payments https://git.example.com/payments.git"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    const [project, url] = args as [string, string];
    await changeSpec(context, project, (spec) => {
      if (spec.sourceRepos?.includes(url))
        return { ...spec, sourceRepos: without(spec.sourceRepos, (item) => item === url) };
      context.out.line(`Source repository '${url}' does not exist in project`);
      return undefined;
    });
  },
});

export const addSourceNamespace = command({
  usage: "PROJECT NAMESPACE",
  examples: [["Applications may be in a namespace", "driftless proj add-source-namespace payments team-payments"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    const [project, namespace] = args as [string, string];
    await changeSpec(context, project, (spec) => {
      const known = (spec.sourceNamespaces ?? []).find((item) => item === "*" || item === namespace);
      if (known === undefined) return { ...spec, sourceNamespaces: [...(spec.sourceNamespaces ?? []), namespace] };
      context.out.line(`Source namespace '${known}' already allowed in project`);
      return undefined;
    });
  },
});

export const removeSourceNamespace = command({
  usage: "PROJECT NAMESPACE",
  examples: [["They may no longer", "driftless proj remove-source-namespace payments team-payments"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    const [project, namespace] = args as [string, string];
    await changeSpec(context, project, (spec) => {
      const known = namespace !== "*" && spec.sourceNamespaces?.includes(namespace);
      if (known) return { ...spec, sourceNamespaces: without(spec.sourceNamespaces, (item) => item === namespace) };
      context.out.line(`Source namespace '${namespace}' does not exist in project or cannot be removed`);
      return undefined;
    });
  },
});

export const addDestination = command({
  usage: "PROJECT SERVER/NAME NAMESPACE",
  examples: [
    ["By address", "driftless proj add-destination payments https://kubernetes.default.svc payments"],
    ["By the cluster's name", "driftless proj add-destination payments production payments --name"],
  ],
  flags: { name: bool("The cluster is given by its name") },
  args: { min: 3, max: 3 },
  async run(context, { values, args }) {
    const [project, cluster, namespace] = args as [string, string, string];
    await changeSpec(context, project, (spec) => {
      const isIt = (item: { server?: string; name?: string; namespace?: string }): boolean =>
        (item.namespace ?? "") === namespace && (values.name ? item.name : item.server) === cluster;
      if (spec.destinations?.some(isIt)) throw refused("Specified destination is already defined in project");
      const added = { ...(values.name ? { name: cluster } : { server: cluster }), namespace };
      return { ...spec, destinations: [...(spec.destinations ?? []), added] };
    });
  },
});

export const removeDestination = command({
  usage: "PROJECT SERVER/NAME NAMESPACE",
  examples: [["One of them", "driftless proj remove-destination payments https://kubernetes.default.svc payments"]],
  flags: {},
  args: { min: 3, max: 3 },
  async run(context, { args }) {
    const [project, cluster, namespace] = args as [string, string, string];
    await changeSpec(context, project, (spec) => {
      const isIt = (item: { server?: string; name?: string; namespace?: string }): boolean =>
        (item.namespace ?? "") === namespace && (item.server || item.name) === cluster;
      const gone = "Specified destination does not exist in project";
      return { ...spec, destinations: taken(spec.destinations, isIt, gone) };
    });
  },
});

export const addServiceAccount = command({
  usage: "PROJECT SERVER NAMESPACE SERVICE_ACCOUNT",
  examples: [
    [
      "Sync a namespace as a service account",
      "driftless proj add-destination-service-account payments https://kubernetes.default.svc payments deployer",
    ],
  ],
  flags: { "service-account-namespace": text("Namespace of the service account, where it is another") },
  args: { min: 4, max: 4 },
  async run(context, { values, args }) {
    const [project, server, namespace, account] = args as [string, string, string, string];
    if (account.includes("*")) throw new DriftlessError("INVALID_ARGUMENT", "a service account holds no *");
    const own = values["service-account-namespace"];
    const defaultServiceAccount = own === "" ? account : `${own}:${account}`;
    await changeSpec(context, project, (spec) => {
      const before = spec.destinationServiceAccounts ?? [];
      if (before.some((item) => item.server === server && item.namespace === namespace))
        throw refused("Specified destination service account is already defined in project");
      return { ...spec, destinationServiceAccounts: [...before, { server, namespace, defaultServiceAccount }] };
    });
  },
});

export const removeServiceAccount = command({
  usage: "PROJECT SERVER NAMESPACE SERVICE_ACCOUNT",
  examples: [
    [
      "No longer",
      "driftless proj remove-destination-service-account payments https://kubernetes.default.svc payments deployer",
    ],
  ],
  flags: {},
  args: { min: 4, max: 4 },
  async run(context, { args }) {
    const [project, server, namespace, account] = args as [string, string, string, string];
    await changeSpec(context, project, (spec) => {
      const rest = taken(
        spec.destinationServiceAccounts,
        (item) => item.server === server && item.namespace === namespace && item.defaultServiceAccount === account,
        "Specified destination service account does not exist in project",
      );
      return { ...spec, destinationServiceAccounts: rest };
    });
  },
});

export const addOrphanedIgnore = command({
  usage: "PROJECT GROUP KIND",
  about: "GROUP is '' for the core group.",
  examples: [["Generated ConfigMaps", "driftless proj add-orphaned-ignore payments '' ConfigMap --name 'generated-*'"]],
  flags: { name: text("Pattern of names") },
  args: { min: 3, max: 3 },
  async run(context, { values, args }) {
    const [project, group, kind] = args as [string, string, string];
    await changeSpec(context, project, (spec) => {
      const ignore = spec.orphanedResources?.ignore ?? [];
      if (ignore.some((item) => isOrphan(item, group, kind, values.name)))
        throw refused("Specified resource is already defined in the orphaned ignore list of project");
      const added = { group, kind, ...(values.name === "" ? {} : { name: values.name }) };
      return { ...spec, orphanedResources: { ...spec.orphanedResources, ignore: [...ignore, added] } };
    });
  },
});

export const removeOrphanedIgnore = command({
  usage: "PROJECT GROUP KIND",
  examples: [
    ["Watch for them again", "driftless proj remove-orphaned-ignore payments '' ConfigMap --name 'generated-*'"],
  ],
  flags: { name: text("Pattern of names") },
  args: { min: 3, max: 3 },
  async run(context, { values, args }) {
    const [project, group, kind] = args as [string, string, string];
    await changeSpec(context, project, (spec) => {
      const ignore = taken(
        spec.orphanedResources?.ignore,
        (item) => isOrphan(item, group, kind, values.name),
        "Specified resource does not exist in the orphaned ignore list of project",
      );
      return { ...spec, orphanedResources: { ...spec.orphanedResources, ignore } };
    });
  },
});

export const addSignatureKey = command({
  usage: "PROJECT KEY-ID",
  examples: [["Commits must be signed with a key", "driftless proj add-signature-key payments 4AEE18F83AFDEB23"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    const keyID = keyId(args[1]!);
    await changeSpec(context, args[0]!, (spec) => {
      const keys = spec.signatureKeys ?? [];
      if (keys.some((item) => item.keyID === keyID))
        throw refused("Specified signature key is already defined in project");
      return { ...spec, signatureKeys: [...keys, { keyID }] };
    });
  },
});

export const removeSignatureKey = command({
  usage: "PROJECT KEY-ID",
  examples: [["No longer", "driftless proj remove-signature-key payments 4AEE18F83AFDEB23"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    await changeSpec(context, args[0]!, (spec) => {
      const isIt = (item: { readonly keyID: string }): boolean => item.keyID === args[1];
      const gone = "Specified signature key is not configured for project";
      return { ...spec, signatureKeys: taken(spec.signatureKeys, isIt, gone) };
    });
  },
});

export const allowClusterResource = kindCommand("allow", "cluster");
export const denyClusterResource = kindCommand("deny", "cluster");
export const allowNamespaceResource = kindCommand("allow", "namespace");
export const denyNamespaceResource = kindCommand("deny", "namespace");

/** Allowing adds to the list of what is allowed, or takes off that of what is denied: `--list` says which of the two. */
function kindCommand(verb: "allow" | "deny", scope: "cluster" | "namespace"): Command {
  const named = verb === "allow" && scope === "cluster";
  return command({
    usage: `PROJECT GROUP KIND${named ? " [NAME]" : ""}`,
    about: "--list says whether the list of what is allowed or of what is denied is changed.",
    examples: [
      [
        verb === "allow" ? "Permit a kind" : "Refuse a kind",
        scope === "cluster"
          ? `driftless proj ${verb}-cluster-resource payments rbac.authorization.k8s.io ClusterRole`
          : `driftless proj ${verb}-namespace-resource payments '' ResourceQuota`,
      ],
    ],
    flags: {
      list: text("Which list: allow, deny", { short: "l", fallback: scope === "cluster" ? "allow" : "deny" }),
    },
    args: { min: 3, max: named ? 4 : 3 },
    async run(context, { values, args }) {
      const [project, group, kind, name] = args as [string, string, string, string | undefined];
      const which = { allow: "allow", white: "allow", deny: "deny", black: "deny" }[values.list];
      if (which === undefined)
        throw new DriftlessError("INVALID_ARGUMENT", `--list takes allow or deny, not "${values.list}"`);
      const key = `${scope}Resource${which === "allow" ? "Whitelist" : "Blacklist"}` as const;
      const what = `${which === "allow" ? "allowed" : "denied"} ${scope === "cluster" ? "cluster" : "namespaced"} resources`;
      await changeSpec(context, project, (spec) => {
        const { text: told, list: changed } = changedKinds(spec[key] ?? [], {
          add: which === verb,
          match: { group, kind, ...(name === undefined ? {} : { name }) },
          what,
        });
        context.out.line(told);
        return changed && ({ ...spec, [key]: changed } satisfies AppProjectSpec);
      });
    },
  });
}

interface KindChange {
  readonly add: boolean;
  readonly match: ResourceMatch;
  readonly what: string;
}

function changedKinds(
  list: readonly ResourceMatch[],
  { add, match, what }: KindChange,
): { readonly text: string; readonly list?: readonly ResourceMatch[] } {
  // The core group is left out of answers.
  const isIt = (item: Partial<ResourceMatch>): boolean =>
    (item.group ?? "") === match.group && item.kind === match.kind && (item.name ?? "") === (match.name ?? "");
  const told = `Group '${match.group}' and kind '${match.kind}'`;
  const known = list.some(isIt);
  if (add)
    return known
      ? { text: `${told} already present in ${what}` }
      : { text: `${told} is added to ${what}`, list: [...list, match] };
  return known
    ? { text: `${told} is removed from ${what}`, list: without(list, isIt) }
    : { text: `${told} not in ${what}` };
}

function isOrphan(
  item: { readonly group?: string; readonly kind?: string; readonly name?: string },
  group: string,
  kind: string,
  name: string,
): boolean {
  return (item.group ?? "") === group && item.kind === kind && (item.name ?? "") === name;
}

const without = <T>(list: readonly T[] | undefined, isIt: (item: T) => boolean): readonly T[] =>
  (list ?? []).filter((item) => !isIt(item));

/** The list without it; refused where it is not in the list. */
function taken<T>(list: readonly T[] | undefined, isIt: (item: T) => boolean, absent: string): readonly T[] {
  if (!list?.some(isIt)) throw refused(absent);
  return without(list, isIt);
}
