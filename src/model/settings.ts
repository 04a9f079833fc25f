// The settings in Argo CD's ConfigMaps argocd-cm and argocd-cmd-params-cm, as values with defaults. Pure: takes their
// data, returns settings and what is wrong with the data. Source: Argo CD's "argocd-cm.yaml example",
// "argocd-cmd-params-cm.yaml example". Keys that nothing reads yet are left alone and are no problem.
import { parseYaml } from "#base/yaml.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import { parseDuration, parseSecondsOrDuration } from "./duration.ts";
import { label } from "./names.ts";

/** One rule of resource.exclusions or resource.inclusions; empty lists mean any. */
export interface ResourceFilter {
  readonly apiGroups: readonly string[];
  readonly kinds: readonly string[];
  readonly clusters: readonly string[];
}

export interface CompareOptions {
  readonly ignoreAggregatedRoles: boolean;
  /** Which objects' status is left out of comparing. */
  readonly ignoreResourceStatusField: "all" | "crd" | "none";
  readonly ignoreDifferencesOnResourceUpdates: boolean;
}

export interface Account {
  readonly name: string;
  readonly enabled: boolean;
  readonly capabilities: readonly ("login" | "apiKey")[];
}

/** One `resource.customizations.FIELD.GROUP_KIND` entry, or one from the legacy combined key; its text unparsed. */
export interface ResourceCustomization {
  /** As in the key: `health`, `actions`, `ignoreDifferences`, `ignoreResourceUpdates`, `knownTypeFields`, `useOpenLibs`. */
  readonly field: string;
  /** `group/Kind`, the core group empty: `/ConfigMap`; both may hold wildcards; `all` stands for every kind. */
  readonly groupKind: string;
  readonly text: string;
}

export interface Settings {
  readonly url?: string;
  /** How often sources are polled; 0: never. */
  readonly reconciliationMs: number;
  /** At most this much is added to each interval, at random. */
  readonly reconciliationJitterMs: number;
  /** How often sources are rendered anew without a change; 0: never. */
  readonly hardReconciliationMs: number;
  readonly instanceLabelKey: string;
  readonly trackingMethod: "annotation" | "label" | "annotation+label";
  readonly installationId?: string;
  readonly resourceExclusions: readonly ResourceFilter[];
  /** Nobody has said what is excluded: the documented defaults hold. */
  readonly defaultExclusions: boolean;
  readonly resourceInclusions: readonly ResourceFilter[];
  readonly resourceCustomizations: readonly ResourceCustomization[];
  /** Labels that the resource tree shows beside objects. */
  readonly customLabels: readonly string[];
  /** Annotations of Secrets whose values are masked too. */
  readonly maskedAnnotations: readonly string[];
  /** Whether updates of objects that change nothing of note wake no application. */
  readonly ignoreResourceUpdates: boolean;
  /** Whether kinds that may not be listed are left out: all of them, or (strict) those that an access review denies. */
  readonly respectRbac: "off" | "normal" | "strict";
  /** Whether `status.resources` carries each object's health. */
  readonly persistHealth: boolean;
  readonly compareOptions: CompareOptions;
  readonly adminEnabled: boolean;
  readonly anonymousEnabled: boolean;
  /** How long a login lasts. */
  readonly sessionMs: number;
  /** A regular expression that new passwords match. */
  readonly passwordPattern: string;
  readonly accounts: readonly Account[];
  readonly globalProjects: readonly { readonly projectName: string; readonly labelSelector?: unknown }[];
  readonly selfHeal: {
    /** With no backoff: the fixed wait before every heal but the first. */
    readonly timeoutMs: number;
    readonly firstMs: number;
    readonly factor: number;
    readonly maxMs: number;
    readonly cooldownMs: number;
  };
  /** How long a question to a Git server may take. */
  readonly gitTimeoutMs: number;
  /** Whether submodules of Git repositories are read. */
  readonly gitSubmodules: boolean;
  /** Schemes that URLs of Helm's value files may have. */
  readonly helmValuesFileSchemes: readonly string[];
  readonly oci: {
    /** Media types that the one layer of an artifact may have. */
    readonly mediaTypes: readonly string[];
    /** Of an artifact, unpacked; undefined where nothing is said, infinite where the limit is off. */
    readonly maxUnpackedBytes: number | undefined;
  };
  /** How kustomize is called: its options, and those of versions that applications name. */
  readonly kustomize: {
    readonly buildOptions: string;
    /** By version with its `v`: its own options, and where its program would be. */
    readonly versions: Readonly<Record<string, { readonly buildOptions?: string; readonly path?: string }>>;
  };
  readonly syncWaveDelayMs: number;
  /** 0: a sync may run as long as it likes. */
  readonly syncTimeoutMs: number;
  /** Syncs act as the service accounts that projects name (destinationServiceAccounts). */
  readonly syncImpersonation: boolean;
  /** Compare by dry runs of server-side applies, where an application does not say otherwise. */
  readonly serverSideDiff: boolean;
  /** How long one jq expression of an ignore rule may take on one object. */
  readonly jqTimeoutMs: number;
  /** Namespaces beside the controller's own in which Applications count; patterns. */
  readonly applicationNamespaces: readonly string[];
  /** Which labels Events take over from Applications and their projects; patterns of keys. */
  readonly eventLabels: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  /** Headers of the API server that say who may put its pages into frames; "" sends none, undefined ours. */
  readonly frameOptions: string | undefined;
  readonly contentSecurityPolicy: string | undefined;
}

export interface SettingProblem {
  readonly key: string;
  readonly value: string;
  readonly why: string;
}

export type ConfigData = Readonly<Record<string, string>>;

/**
 * Reads both ConfigMaps' data (either may be absent). A value that cannot be read is reported, and its default is used;
 * nothing is thrown.
 */
export function parseSettings(
  cm: ConfigData | undefined,
  params: ConfigData | undefined,
): { readonly settings: Settings; readonly problems: readonly SettingProblem[] } {
  const problems: SettingProblem[] = [];
  const main = new Reader(cm ?? {}, problems);
  const command = new Reader(params ?? {}, problems);
  const url = main.text("url");
  const installationId = main.text("installationID");
  const settings: Settings = {
    ...(url ? { url: main.url("url") } : {}),
    reconciliationMs: main.duration("timeout.reconciliation", 120_000),
    reconciliationJitterMs: main.duration("timeout.reconciliation.jitter", 60_000),
    hardReconciliationMs: main.duration("timeout.hard.reconciliation", 0),
    instanceLabelKey: main.text("application.instanceLabelKey") || label.instance,
    trackingMethod: main.oneOf(
      "application.resourceTrackingMethod",
      ["annotation", "label", "annotation+label"],
      "annotation",
    ),
    ...(installationId ? { installationId } : {}),
    resourceExclusions: main.filters("resource.exclusions"),
    defaultExclusions: main.data["resource.exclusions"] === undefined,
    resourceInclusions: main.filters("resource.inclusions"),
    resourceCustomizations: customizations(main),
    customLabels: words(main.text("resource.customLabels")),
    maskedAnnotations: words(main.text("resource.sensitive.mask.annotations")),
    ignoreResourceUpdates: main.flag("resource.ignoreResourceUpdatesEnabled", true),
    respectRbac: main.oneOf("resource.respectRBAC", ["normal", "strict"], "off"),
    persistHealth: command.flag("controller.resource.health.persist", false),
    compareOptions: compareOptions(main),
    adminEnabled: main.flag("admin.enabled", true),
    anonymousEnabled: main.flag("users.anonymous.enabled", false),
    sessionMs: main.duration("users.session.duration", 24 * 3600_000),
    passwordPattern: main.pattern("passwordPattern", "^.{8,32}$"),
    accounts: accounts(main),
    globalProjects: main
      .list("globalProjects")
      .filter(isObject)
      .map((entry) => ({ projectName: stringAt(entry, "projectName") ?? "", labelSelector: entry["labelSelector"] })),
    selfHeal: {
      timeoutMs: command.seconds("controller.self.heal.timeout.seconds", 0),
      firstMs: command.seconds("controller.self.heal.backoff.timeout.seconds", 2),
      factor: command.integer("controller.self.heal.backoff.factor", 3),
      maxMs: command.seconds("controller.self.heal.backoff.cap.seconds", 300),
      cooldownMs: command.seconds("controller.self.heal.backoff.cooldown.seconds", 330),
    },
    oci: {
      mediaTypes: words(command.text("reposerver.oci.layer.media.types")),
      maxUnpackedBytes: command.flag("reposerver.disable.oci.manifest.max.extracted.size", false)
        ? Number.POSITIVE_INFINITY
        : command.bytes("reposerver.oci.manifest.max.extracted.size"),
    },
    helmValuesFileSchemes: words(main.data["helm.valuesFileSchemes"] ?? "https,http").map((word) => word.toLowerCase()),
    gitTimeoutMs: command.duration("reposerver.git.request.timeout", 90_000),
    gitSubmodules: command.flag("reposerver.enable.git.submodule", true),
    kustomize: { buildOptions: main.text("kustomize.buildOptions"), versions: kustomizeVersions(main) },
    syncWaveDelayMs: command.seconds("controller.sync.wave.delay.seconds", 2),
    syncTimeoutMs: command.seconds("controller.sync.timeout.seconds", 0),
    syncImpersonation: main.flag("application.sync.impersonation.enabled", false),
    serverSideDiff: command.flag("controller.diff.server.side", false),
    jqTimeoutMs: command.duration("controller.ignore.normalizer.jq.timeout", 1000),
    applicationNamespaces: words(command.text("application.namespaces")),
    eventLabels: {
      include: words(main.text("resource.includeEventLabelKeys")),
      exclude: words(main.text("resource.excludeEventLabelKeys")),
    },
    frameOptions: command.header("server.x.frame.options"),
    contentSecurityPolicy: command.header("server.content.security.policy"),
  };
  return { settings, problems };
}

class Reader {
  readonly data: ConfigData;
  readonly #problems: SettingProblem[];

  constructor(data: ConfigData, problems: SettingProblem[]) {
    this.data = data;
    this.#problems = problems;
  }

  text(key: string): string {
    return this.data[key]?.trim() ?? "";
  }

  bad(key: string, why: string): void {
    this.#problems.push({ key, value: this.data[key] ?? "", why });
  }

  /** Milliseconds of a duration such as `120s`, `1h30m`, `0`; a bare number counts as seconds. */
  duration(key: string, fallback: number): number {
    const text = this.text(key);
    if (text === "") return fallback;
    const ms = parseSecondsOrDuration(text) ?? parseDays(text);
    if (ms !== undefined && ms >= 0) return ms;
    this.bad(key, ms === undefined ? "it is not a duration such as 90s, 3m or 1h30m" : "it is negative");
    return fallback;
  }

  /** Milliseconds of a whole number of seconds (a duration is understood too). */
  seconds(key: string, fallbackS: number): number {
    return this.duration(key, fallbackS * 1000);
  }

  /** Bytes of a quantity such as `500M`, `1Gi`, `1048576`; undefined where nothing is set. */
  bytes(key: string): number | undefined {
    const text = this.text(key);
    if (text === "") return undefined;
    const match = /^(\d+(?:\.\d+)?)(?:([kMGT])(i?))?$/.exec(text.replace(/^(\d.*)K(i?)$/, "$1k$2"));
    const unit = match?.[2] === undefined ? 0 : "kMGT".indexOf(match[2]) + 1;
    const size = Math.floor(Number(match?.[1]) * (match?.[3] === "i" ? 1024 : 1000) ** unit);
    if (match && size > 0) return size;
    this.bad(key, "it is not a size such as 500M or 1Gi");
    return undefined;
  }

  integer(key: string, fallback: number): number {
    const text = this.text(key);
    if (text === "") return fallback;
    if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
    this.bad(key, "it is not a whole number above 0");
    return fallback;
  }

  flag(key: string, fallback: boolean): boolean {
    const text = this.text(key).toLowerCase();
    if (text === "") return fallback;
    if (text === "true" || text === "false") return text === "true";
    this.bad(key, "it is neither true nor false");
    return fallback;
  }

  oneOf<T extends string, F extends string = T>(key: string, allowed: readonly T[], fallback: F): T | F {
    const text = this.text(key);
    if (text === "") return fallback;
    if ((allowed as readonly string[]).includes(text)) return text as T;
    this.bad(key, `it is none of ${allowed.join(", ")}`);
    return fallback;
  }

  pattern(key: string, fallback: string): string {
    const text = this.text(key);
    if (text === "") return fallback;
    try {
      return new RegExp(text, "u").source;
    } catch {
      this.bad(key, "it is not a regular expression");
      return fallback;
    }
  }

  /** A header's value; undefined where nothing is said. Quotes alone, which Helm values need, are nothing. */
  header(key: string): string | undefined {
    const text = this.data[key]?.trim();
    if (text === undefined || /^[\x20-\x7e]*$/.test(text)) return text === '""' || text === "''" ? "" : text;
    this.bad(key, "it holds characters that a header may not have");
    return undefined;
  }

  url(key: string): string {
    const text = this.text(key);
    if (!/^https?:\/\/[^/\s]+/.test(text)) this.bad(key, "it is not an http or https URL");
    return text.replace(/\/+$/, "");
  }

  /** YAML that must be a list; empty where it is absent or something else. */
  list(key: string): readonly unknown[] {
    const value = this.yaml(key);
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    this.bad(key, "it is not a YAML list");
    return [];
  }

  yaml(key: string): unknown {
    const text = this.data[key];
    if (text === undefined || text.trim() === "") return undefined;
    try {
      return parseYaml(text);
    } catch (thrown) {
      this.bad(key, `it is not YAML: ${(thrown as Error).message.split("\n")[0]}`);
      return undefined;
    }
  }

  filters(key: string): readonly ResourceFilter[] {
    const found: ResourceFilter[] = [];
    for (const entry of this.list(key)) {
      if (!isObject(entry)) this.bad(key, "an entry is not an object with apiGroups, kinds, clusters");
      else {
        found.push({
          apiGroups: texts(entry, "apiGroups"),
          kinds: texts(entry, "kinds"),
          clusters: texts(entry, "clusters"),
        });
      }
    }
    return found;
  }
}

/** Takes the keys `kustomize.buildOptions.vX`, `kustomize.path.vX` and the older `kustomize.version.vX`. */
function kustomizeVersions(reader: Reader): Settings["kustomize"]["versions"] {
  const found: Record<string, { buildOptions?: string; path?: string }> = {};
  for (const key of Object.keys(reader.data)) {
    const match = /^kustomize\.(buildOptions|path|version)\.(v\d.*)$/.exec(key);
    if (!match) continue;
    const [, what, version = ""] = match;
    const entry = (found[version] ??= {});
    entry[what === "buildOptions" ? "buildOptions" : "path"] = reader.text(key);
  }
  return found;
}

function compareOptions(reader: Reader): CompareOptions {
  const key = "resource.compareoptions";
  const value = reader.yaml(key);
  const options = isObject(value) ? value : {};
  if (value !== undefined && value !== null && !isObject(value)) reader.bad(key, "it is not a YAML mapping");
  const written = options["ignoreResourceStatusField"];
  // YAML 1.1 wrote `off` as a boolean, so Argo CD takes that for none.
  const asked = written === false ? "none" : written;
  const known: Readonly<Record<string, CompareOptions["ignoreResourceStatusField"]>> = {
    all: "all",
    crd: "crd",
    none: "none",
    off: "none",
  };
  const field = typeof asked === "string" ? known[asked] : undefined;
  if (asked !== undefined && field === undefined) {
    reader.bad(key, "ignoreResourceStatusField is none of all, crd, none, off");
  }
  return {
    ignoreAggregatedRoles: options["ignoreAggregatedRoles"] === true,
    ignoreResourceStatusField: field ?? "all",
    ignoreDifferencesOnResourceUpdates: options["ignoreDifferencesOnResourceUpdates"] !== false,
  };
}

const prefix = "resource.customizations";

function customizations(reader: Reader): readonly ResourceCustomization[] {
  const found: ResourceCustomization[] = [];
  for (const [key, text] of Object.entries(reader.data)) {
    if (!key.startsWith(`${prefix}.`)) continue;
    const rest = key.slice(prefix.length + 1);
    const dot = rest.indexOf(".");
    if (dot <= 0) {
      reader.bad(key, "it is not of the form resource.customizations.FIELD.GROUP_KIND");
      continue;
    }
    const groupKind = rest.slice(dot + 1);
    found.push({ field: rest.slice(0, dot), groupKind: splitGroupKind(groupKind), text });
  }
  const legacy = reader.yaml(prefix);
  if (legacy === undefined || legacy === null) return found;
  if (!isObject(legacy)) {
    reader.bad(prefix, "it is not a YAML mapping");
    return found;
  }
  for (const [groupKind, fields] of Object.entries(legacy)) {
    if (!isObject(fields)) reader.bad(prefix, `${groupKind} is not a mapping`);
    else {
      const where = groupKind.includes("/") ? groupKind : `/${groupKind}`;
      for (const [name, value] of Object.entries(fields)) {
        const text = typeof value === "string" ? value : JSON.stringify(value);
        found.push({ field: legacyFields[name] ?? name, groupKind: where, text });
      }
    }
  }
  return found;
}

const legacyFields: Readonly<Record<string, string>> = {
  "health.lua": "health",
  "health.lua.useOpenLibs": "useOpenLibs",
};

// `apps_Deployment` → `apps/Deployment`; kinds hold no underscore, so the last one parts them; core kinds have none.
// Keys of a ConfigMap hold no `*`; an underscore stands for it, as in the folders of Argo CD's own checks:
// `_.crossplane.io__` → `*.crossplane.io/*`.
function splitGroupKind(text: string): string {
  if (text === "all") return text;
  const any = text.endsWith("__");
  const named = any ? text.slice(0, -1) : text;
  const at = named.lastIndexOf("_");
  if (at < 0) return `/${named}`;
  const group = named.slice(0, at).replace(/^_(?=\.|$)/, "*");
  return `${group}/${any ? "*" : named.slice(at + 1)}`;
}

function accounts(reader: Reader): readonly Account[] {
  const found = new Map<string, Account>();
  for (const key of Object.keys(reader.data)) {
    const match = /^accounts\.([^.]+)(\.enabled)?$/.exec(key);
    if (match === null) {
      if (key.startsWith("accounts.")) reader.bad(key, "it is neither accounts.NAME nor accounts.NAME.enabled");
      continue;
    }
    const name = match[1] ?? "";
    const before = found.get(name) ?? { name, enabled: true, capabilities: [] };
    if (match[2] !== undefined) found.set(name, { ...before, enabled: reader.flag(key, true) });
    else found.set(name, { ...before, capabilities: capabilities(reader, key) });
  }
  return [...found.values()];
}

function capabilities(reader: Reader, key: string): Account["capabilities"] {
  const found: ("login" | "apiKey")[] = [];
  for (const word of words(reader.text(key))) {
    if (word === "login" || word === "apiKey") found.push(word);
    else reader.bad(key, `${word} is neither login nor apiKey`);
  }
  return found;
}

function texts(entry: unknown, field: string): readonly string[] {
  return listAt(entry, field).filter((text): text is string => typeof text === "string");
}

function words(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

// Settings, unlike Go, also know days: `1d`.
function parseDays(text: string): number | undefined {
  const match = /^(\d+)d(.*)$/.exec(text);
  if (match === null) return undefined;
  const rest = match[2] === "" ? 0 : parseDuration(match[2] ?? "");
  return rest === undefined ? undefined : Number(match[1]) * 86_400_000 + rest;
}
