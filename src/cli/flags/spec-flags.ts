// The flags of `app create` and `app set` that describe an application's spec, and what each does to it. Pure but for
// the files that some of them name, which are read before and handed in.
import { DriftlessError } from "#base/errors.ts";
import { cloneJson, isObject, type MutableJson, type MutableJsonObject } from "#base/json.ts";
import { formatDuration } from "#model/duration.ts";
import type { ApplicationSource, ApplicationSpec } from "#model/application.ts";
import { bool, duration, int, text, texts, type FlagValues, type Flags } from "../flags.ts";
import { parsePairs } from "./resources.ts";

export const specFlags = {
  repo: text("Repository URL"),
  path: text("Path of the application in the repository"),
  revision: text("Branch, tag, commit or chart version to follow"),
  "revision-history-limit": int("How many deployments are remembered", { fallback: 10 }),
  ref: text("Name by which other sources refer to this one"),
  "dest-server": text("URL of the cluster, https://kubernetes.default.svc for the own one"),
  "dest-name": text("Name of the cluster"),
  "dest-namespace": text("Namespace that is deployed to"),
  project: text("Project of the application"),
  "sync-policy": text("Sync policy: none, automated (or auto, automatic)"),
  "sync-option": texts("Add a sync option, e.g. Prune=false; ! in front removes it; may be repeated"),
  "auto-prune": bool("Delete what is no longer in Git, when syncing by itself"),
  "self-heal": bool("Revert changes made by hand, when syncing by itself"),
  "allow-empty": bool("Allow that nothing is left, when syncing by itself"),
  "sync-retry-limit": int("How often a failed sync is tried again"),
  "sync-retry-refresh": bool("Take the newest revision when trying again"),
  "sync-retry-backoff-duration": duration("Delay before trying again", { fallback: 5000 }),
  "sync-retry-backoff-max-duration": duration("Longest delay", { fallback: 180_000 }),
  "sync-retry-backoff-factor": int("Factor of the delay after each try", { fallback: 2 }),
  "directory-recurse": bool("Directories below the path, too"),
  "directory-include": text("Only files that match this glob"),
  "directory-exclude": text("No files that match this glob"),
  "directory-disable-extension-filter": bool("Files with other endings than .yaml, .yml and .json, too"),
  "jsonnet-tla-str": texts("Jsonnet top level argument, NAME=VALUE; may be repeated"),
  "jsonnet-tla-code": texts("Jsonnet top level argument as code; may be repeated"),
  "jsonnet-ext-var-str": texts("Jsonnet external variable, NAME=VALUE; may be repeated"),
  "jsonnet-ext-var-code": texts("Jsonnet external variable as code; may be repeated"),
  "jsonnet-libs": texts("Jsonnet library path; may be repeated"),
  "helm-chart": text("Name of the Helm chart"),
  "release-name": text("Name of the Helm release"),
  parameter: texts("Helm parameter, NAME=VALUE; may be repeated", { short: "p" }),
  "helm-set": texts("Helm value, NAME=VALUE; may be repeated"),
  "helm-set-string": texts("Helm value as text, NAME=VALUE; may be repeated"),
  "helm-set-file": texts("Helm value from a file of the repository, NAME=PATH; may be repeated"),
  values: texts("Helm values file of the repository; may be repeated"),
  "values-literal-file": text("File or URL of Helm values to write into the application"),
  "ignore-missing-value-files": bool("Go on where a Helm values file is missing"),
  "helm-version": text("Helm version"),
  "helm-pass-credentials": bool("Pass credentials to all domains"),
  "helm-skip-crds": bool("Leave out the chart's crds folder"),
  "helm-skip-tests": bool("Leave out the chart's tests"),
  "helm-skip-schema-validation": bool("Do not validate values by the chart's schema"),
  "helm-namespace": text("Namespace of the Helm release"),
  "helm-kube-version": text("Kubernetes version that the chart sees"),
  "helm-api-versions": texts("API version that the chart sees; may be repeated"),
  nameprefix: text("Kustomize name prefix"),
  namesuffix: text("Kustomize name suffix"),
  "kustomize-image": texts("Kustomize image, e.g. node:8.15.0 or mysql=mariadb; may be repeated"),
  "kustomize-replica": texts("Kustomize replicas, NAME=COUNT; may be repeated"),
  "kustomize-version": text("Kustomize version"),
  "kustomize-namespace": text("Kustomize namespace"),
  "kustomize-common-label": texts("Kustomize common label, KEY=VALUE; may be repeated"),
  "kustomize-common-annotation": texts("Kustomize common annotation, KEY=VALUE; may be repeated"),
  "kustomize-force-common-label": bool("Overwrite labels that are there"),
  "kustomize-force-common-annotation": bool("Overwrite annotations that are there"),
  "kustomize-label-without-selector": bool("Common labels are not added to selectors"),
  "kustomize-label-include-templates": bool("Common labels are added to pod templates"),
  "kustomize-kube-version": text("Kubernetes version that Helm charts in Kustomize see"),
  "kustomize-api-versions": texts("API version that Helm charts in Kustomize see; may be repeated"),
  "ignore-missing-components": bool("Go on where a Kustomize component is missing"),
  "config-management-plugin": text("Name of the plugin that renders"),
  "plugin-env": texts("Environment variable of the plugin, NAME=VALUE; may be repeated"),
  "tag-prefix": text("Prefix of the tags that count as versions"),
  env: text("Accepted", { hidden: true }),
  "dry-source-repo": text("Repository of the dry source"),
  "dry-source-revision": text("Revision of the dry source"),
  "dry-source-path": text("Path of the dry source"),
  "sync-source-branch": text("Branch of hydrated manifests that is synced"),
  "sync-source-path": text("Path of hydrated manifests that is synced"),
  "hydrate-to-branch": text("Branch that hydrated manifests are pushed to"),
  validate: bool("Let the server check the spec", { fallback: true }),
} as const satisfies Flags;

export type SpecValues = FlagValues<typeof specFlags>;

export interface SpecChange {
  readonly values: SpecValues;
  readonly given: ReadonlySet<string>;
  /** Content of `--values-literal-file`. */
  readonly literalValues?: string;
  /** Which of several sources is changed, counted from 0. */
  readonly position?: number;
  /** What the source is rendered as now, where that is known. */
  readonly sourceType?: string | undefined;
}

type Draft = MutableJsonObject;
type Edit = (draft: Draft, value: never, change: SpecChange) => void;

/** A nested object, made where it is missing. */
function sub(draft: Draft, ...path: string[]): Draft {
  let current = draft;
  for (const step of path) {
    const next = current[step];
    current = isObject(next) ? next : (current[step] = {});
  }
  return current;
}

const setAt =
  (...path: string[]) =>
  (draft: Draft, value: MutableJson): void =>
    void (sub(draft, ...path.slice(0, -1))[path.at(-1)!] = value);

/** Adds to a list of named things; one of the same name is replaced. */
function upsert(draft: Draft, listName: string, item: MutableJsonObject): void {
  const items = (draft[listName] ??= []) as MutableJsonObject[];
  const at = items.findIndex((other) => other["name"] === item["name"]);
  if (at < 0) items.push(item);
  else items[at] = item;
}

function pair(written: string, flag: string): readonly [string, string] {
  return Object.entries(parsePairs([written], flag))[0]!;
}

const helmParameters =
  (flag: string, extra: MutableJsonObject = {}) =>
  (draft: Draft, items: readonly string[]): void => {
    for (const item of items) {
      const [name, value] = pair(item, flag);
      upsert(sub(draft, "helm"), "parameters", { name, value, ...extra });
    }
  };

const jsonnetVariables =
  (listName: string, code: boolean) =>
  (draft: Draft, items: readonly string[]): void => {
    for (const item of items) {
      const equals = item.indexOf("=");
      const [name, value] = equals < 0 ? [item, ""] : [item.slice(0, equals), item.slice(equals + 1)];
      upsert(sub(draft, "directory", "jsonnet"), listName, { name, value, ...(code ? { code } : {}) });
    }
  };

/** The name of a Kustomize image, by which one override replaces another. */
export function imageName(image: string): string {
  const whole = image.split("=")[0]!.split("@")[0]!;
  const colon = whole.lastIndexOf(":");
  return colon > whole.lastIndexOf("/") ? whole.slice(0, colon) : whole;
}

/** What each flag does to a source. */
const sourceEdits: Readonly<Record<string, Edit>> = {
  repo: setAt("repoURL"),
  path: setAt("path"),
  revision: setAt("targetRevision"),
  ref: setAt("ref"),
  "tag-prefix": setAt("tagPrefix"),
  "helm-chart": setAt("chart"),
  "directory-recurse": setAt("directory", "recurse"),
  "directory-include": setAt("directory", "include"),
  "directory-exclude": setAt("directory", "exclude"),
  "directory-disable-extension-filter": setAt("directory", "disableExtensionFilter"),
  "jsonnet-tla-code": jsonnetVariables("tlas", true),
  "jsonnet-tla-str": jsonnetVariables("tlas", false),
  "jsonnet-ext-var-code": jsonnetVariables("extVars", true),
  "jsonnet-ext-var-str": jsonnetVariables("extVars", false),
  "jsonnet-libs": (draft, items: readonly string[]) => {
    const jsonnet = sub(draft, "directory", "jsonnet");
    jsonnet["libs"] = [...((jsonnet["libs"] ?? []) as MutableJson[]), ...items];
  },
  "release-name": setAt("helm", "releaseName"),
  "helm-set": helmParameters("--helm-set"),
  "helm-set-string": helmParameters("--helm-set-string", { forceString: true }),
  "helm-set-file": (draft, items: readonly string[]) => {
    for (const item of items) {
      const [name, path] = pair(item, "--helm-set-file");
      upsert(sub(draft, "helm"), "fileParameters", { name, path });
    }
  },
  parameter: (draft, items: readonly string[], change) => {
    const other = ["kustomize", "directory", "plugin"].some((kind) => draft[kind] !== undefined);
    const helm = draft["helm"] !== undefined || draft["chart"] !== undefined || !other;
    if (!helm || (change.sourceType !== undefined && change.sourceType !== "Helm" && draft["helm"] === undefined))
      throw new DriftlessError("INVALID_ARGUMENT", "Parameters can only be set against Helm applications");
    helmParameters("--parameter")(draft, items);
  },
  values: (draft, items: readonly string[]) => void (sub(draft, "helm")["valueFiles"] = [...items]),
  "values-literal-file": (draft, _file, change) => void (sub(draft, "helm")["values"] = change.literalValues ?? ""),
  "ignore-missing-value-files": setAt("helm", "ignoreMissingValueFiles"),
  "helm-version": setAt("helm", "version"),
  "helm-pass-credentials": setAt("helm", "passCredentials"),
  "helm-skip-crds": setAt("helm", "skipCrds"),
  "helm-skip-tests": setAt("helm", "skipTests"),
  "helm-skip-schema-validation": setAt("helm", "skipSchemaValidation"),
  "helm-namespace": setAt("helm", "namespace"),
  "helm-kube-version": setAt("helm", "kubeVersion"),
  "helm-api-versions": setAt("helm", "apiVersions"),
  nameprefix: setAt("kustomize", "namePrefix"),
  namesuffix: setAt("kustomize", "nameSuffix"),
  "kustomize-image": (draft, items: readonly string[]) => {
    const kustomize = sub(draft, "kustomize");
    const images = (kustomize["images"] ??= []) as string[];
    for (const item of items) {
      const at = images.findIndex((other) => imageName(other) === imageName(item));
      if (at < 0) images.push(item);
      else images[at] = item;
    }
  },
  "kustomize-replica": (draft, items: readonly string[]) => {
    for (const item of items) {
      const [name, count] = pair(item, "--kustomize-replica");
      if (!/^\d+$/.test(count))
        throw new DriftlessError("INVALID_ARGUMENT", `--kustomize-replica takes NAME=COUNT, not "${item}"`);
      upsert(sub(draft, "kustomize"), "replicas", { name, count: Number(count) });
    }
  },
  "kustomize-version": setAt("kustomize", "version"),
  "kustomize-namespace": setAt("kustomize", "namespace"),
  "kustomize-common-label": (draft, items: readonly string[]) =>
    void (sub(draft, "kustomize")["commonLabels"] = parsePairs(items, "--kustomize-common-label")),
  "kustomize-common-annotation": (draft, items: readonly string[]) =>
    void (sub(draft, "kustomize")["commonAnnotations"] = parsePairs(items, "--kustomize-common-annotation")),
  "kustomize-force-common-label": setAt("kustomize", "forceCommonLabels"),
  "kustomize-force-common-annotation": setAt("kustomize", "forceCommonAnnotations"),
  "kustomize-label-without-selector": setAt("kustomize", "labelWithoutSelector"),
  "kustomize-label-include-templates": setAt("kustomize", "labelIncludeTemplates"),
  "kustomize-kube-version": setAt("kustomize", "kubeVersion"),
  "kustomize-api-versions": setAt("kustomize", "apiVersions"),
  "ignore-missing-components": setAt("kustomize", "ignoreMissingComponents"),
  "config-management-plugin": setAt("plugin", "name"),
  "plugin-env": (draft, items: readonly string[]) => {
    for (const item of items) {
      const [name, value] = pair(item, "--plugin-env");
      upsert(sub(draft, "plugin"), "env", { name, value });
    }
  },
};

/** What each flag does to the spec as a whole. */
const specEdits: Readonly<Record<string, Edit>> = {
  project: setAt("project"),
  "dest-server": setAt("destination", "server"),
  "dest-name": setAt("destination", "name"),
  "dest-namespace": setAt("destination", "namespace"),
  "revision-history-limit": setAt("revisionHistoryLimit"),
  "sync-policy": setSyncPolicy,
  "sync-option": setSyncOptions,
  "sync-retry-limit": setRetry,
  "auto-prune": automatic("auto-prune", "prune"),
  "self-heal": automatic("self-heal", "selfHeal"),
  "allow-empty": automatic("allow-empty", "allowEmpty"),
  "dry-source-repo": setAt("sourceHydrator", "drySource", "repoURL"),
  "dry-source-revision": setAt("sourceHydrator", "drySource", "targetRevision"),
  "dry-source-path": setAt("sourceHydrator", "drySource", "path"),
  "sync-source-branch": setAt("sourceHydrator", "syncSource", "targetBranch"),
  "sync-source-path": setAt("sourceHydrator", "syncSource", "path"),
  "hydrate-to-branch": setAt("sourceHydrator", "hydrateTo", "targetBranch"),
};

/**
 * Takes a spec and what was given on the command line; returns the changed spec. Flags that were not given change
 * nothing. Error: INVALID_ARGUMENT naming the flag.
 */
export function changeSpec(spec: ApplicationSpec, change: SpecChange): ApplicationSpec {
  const draft = cloneJson(spec) as unknown as Draft;
  const apply = (edits: Readonly<Record<string, Edit>>, to: () => Draft): void => {
    for (const [name, edit] of Object.entries(edits)) {
      if (change.given.has(name)) edit(to(), change.values[name as keyof SpecValues] as never, change);
    }
  };
  apply(sourceEdits, () => sourceOf(draft, change.position));
  apply(specEdits, () => draft);
  const policy = draft["syncPolicy"];
  if (isObject(policy) && Object.keys(policy).length === 0) delete draft["syncPolicy"];
  return draft as unknown as ApplicationSpec;
}

/** The spec with one more source behind its others, as the flags describe it. Error: INVALID_ARGUMENT naming the flag. */
export function addSource(spec: ApplicationSpec, change: SpecChange, name: string): ApplicationSpec {
  const source: Draft = name === "" ? {} : { name };
  for (const [flag, edit] of Object.entries(sourceEdits)) {
    if (change.given.has(flag)) edit(source, change.values[flag as keyof SpecValues] as never, change);
  }
  if (source["repoURL"] === undefined) throw new DriftlessError("INVALID_ARGUMENT", "the source needs --repo");
  return { ...spec, sources: [...(spec.sources ?? []), source as unknown as ApplicationSource] };
}

function sourceOf(draft: Draft, position: number | undefined): Draft {
  const sources = draft["sources"];
  if (!Array.isArray(sources) || sources.length === 0) return sub(draft, "source");
  const source = position === undefined ? undefined : sources[position];
  if (!isObject(source))
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `the application has ${sources.length} sources: choose one with --source-position, counted from 1, or --source-name`,
    );
  return source;
}

function setSyncPolicy(draft: Draft, value: string): void {
  const policy = sub(draft, "syncPolicy");
  if (value === "none") delete policy["automated"];
  else if (/^auto(matic|mated)?$/.test(value)) policy["automated"] = {};
  else
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `Invalid sync-policy: ${value} (--sync-policy takes none or automated)`,
    );
}

function setSyncOptions(draft: Draft, items: readonly string[]): void {
  const policy = sub(draft, "syncPolicy");
  let options = ((policy["syncOptions"] ?? []) as string[]).slice();
  for (const item of items) {
    const option = item.replace(/^!/, "");
    const key = option.split("=")[0];
    if (item.startsWith("!")) options = options.filter((other) => other !== option);
    else options = [...options.filter((other) => other.split("=")[0] !== key), option];
  }
  if (options.length > 0) policy["syncOptions"] = options;
  else delete policy["syncOptions"];
}

function setRetry(draft: Draft, limit: number, { values }: SpecChange): void {
  const policy = sub(draft, "syncPolicy");
  if (limit < 0) throw new DriftlessError("INVALID_ARGUMENT", `Invalid sync-retry-limit [${limit}]`);
  delete policy["retry"];
  if (limit === 0) return;
  policy["retry"] = {
    limit,
    backoff: {
      duration: formatDuration(values["sync-retry-backoff-duration"]),
      factor: values["sync-retry-backoff-factor"],
      maxDuration: formatDuration(values["sync-retry-backoff-max-duration"]),
    },
    ...(values["sync-retry-refresh"] ? { refresh: true } : {}),
  };
}

function automatic(flag: string, field: string): (draft: Draft, value: boolean) => void {
  return (draft, value) => {
    const automated = sub(draft, "syncPolicy")["automated"];
    if (!isObject(automated))
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `Cannot set --${flag}: application not configured with automatic sync`,
      );
    automated[field] = value;
  };
}
