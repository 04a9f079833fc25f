// Sync options: of an application (spec.syncPolicy.syncOptions), of one operation, and of one object (annotation).
// Pure. Source: Argo CD's "Sync Options".
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";

export type PropagationPolicy = "Foreground" | "Background" | "Orphan";
/** Whether something may be deleted: yes, no, or only after `argocd.argoproj.io/deletion-approved`. */
export type DeletionConsent = "yes" | "no" | "confirm";

/** The options that decide how one object is applied, pruned and deleted. */
export interface ResourceSyncOptions {
  readonly prune: DeletionConsent;
  readonly delete: DeletionConsent;
  readonly pruneLast: boolean;
  readonly prunePropagationPolicy: PropagationPolicy;
  /** Server-side field validation (kubectl's --validate). */
  readonly validate: boolean;
  /** Replace (or create) in place of apply. */
  readonly replace: boolean;
  /** Delete and create again where the API server refuses the change. */
  readonly force: boolean;
  readonly serverSideApply: boolean;
  /** With server-side apply: take over the fields that a client-side manager set before. */
  readonly clientSideApplyMigration: boolean;
  readonly skipDryRunOnMissingResource: boolean;
  readonly applyOutOfSyncOnly: boolean;
  /** Ignored fields keep their live value when the object is applied. */
  readonly respectIgnoreDifferences: boolean;
}

/** The options of a whole sync. */
export interface ApplicationSyncOptions extends ResourceSyncOptions {
  readonly createNamespace: boolean;
  readonly failOnSharedResource: boolean;
  /** Ours: lets a manual sync of an empty source prune everything. */
  readonly allowEmpty: boolean;
  /** Ours: does not wait for the applications that this one depends on. */
  readonly ignoreDependencies: boolean;
}

export const defaultSyncOptions: ApplicationSyncOptions = {
  prune: "yes",
  delete: "yes",
  pruneLast: false,
  prunePropagationPolicy: "Foreground",
  validate: true,
  replace: false,
  force: false,
  serverSideApply: false,
  clientSideApplyMigration: true,
  skipDryRunOnMissingResource: false,
  applyOutOfSyncOnly: false,
  respectIgnoreDifferences: false,
  createNamespace: false,
  failOnSharedResource: false,
  allowEmpty: false,
  ignoreDependencies: false,
};

type Draft = { -readonly [name in keyof ApplicationSyncOptions]: ApplicationSyncOptions[name] };
type Flag = { [name in keyof Draft]: Draft[name] extends boolean ? name : never }[keyof Draft];

const flags: Readonly<Record<string, Flag>> = {
  PruneLast: "pruneLast",
  Validate: "validate",
  Replace: "replace",
  Force: "force",
  ServerSideApply: "serverSideApply",
  ClientSideApplyMigration: "clientSideApplyMigration",
  SkipDryRunOnMissingResource: "skipDryRunOnMissingResource",
  ApplyOutOfSyncOnly: "applyOutOfSyncOnly",
  CreateNamespace: "createNamespace",
  RespectIgnoreDifferences: "respectIgnoreDifferences",
  FailOnSharedResource: "failOnSharedResource",
  AllowEmpty: "allowEmpty",
  IgnoreDependencies: "ignoreDependencies",
};

const propagation: Readonly<Record<string, PropagationPolicy>> = {
  foreground: "Foreground",
  background: "Background",
  orphan: "Orphan",
};

/**
 * Reads `Name=value` entries over a base. Entries that are not understood are left out and told to `unknown`.
 */
export function parseSyncOptions(
  entries: readonly string[] | undefined,
  base: ApplicationSyncOptions = defaultSyncOptions,
  unknown?: (entry: string) => void,
): ApplicationSyncOptions {
  if (entries === undefined || entries.length === 0) return base;
  const draft: Draft = { ...base };
  for (const entry of entries) {
    if (!read(entry.trim(), draft)) unknown?.(entry);
  }
  return draft;
}

/** An object's own options over the application's. Annotations of `more` (the live object) count for replace and force. */
export function resourceSyncOptions(
  object: KubernetesObject,
  base: ApplicationSyncOptions,
  more?: KubernetesObject,
): ResourceSyncOptions {
  const own = object.metadata.annotations?.[annotation.syncOptions];
  const options = own === undefined ? base : parseSyncOptions(own.split(","), base);
  const helmKeeps = object.metadata.annotations?.[annotation.helmResourcePolicy] === "keep";
  const live = more?.metadata.annotations?.[annotation.syncOptions];
  if (!helmKeeps && (live === undefined || own === live)) return options;
  const draft: Draft = { ...options };
  if (helmKeeps) {
    draft.prune = "no";
    draft.delete = "no";
  }
  if (live !== undefined && own === undefined) {
    const liveOptions = parseSyncOptions(live.split(","), defaultSyncOptions);
    draft.replace ||= liveOptions.replace;
    draft.force ||= liveOptions.force;
  }
  return draft;
}

function read(entry: string, draft: Draft): boolean {
  const equals = entry.indexOf("=");
  if (equals < 0) return false;
  const name = entry.slice(0, equals).trim();
  const value = entry.slice(equals + 1).trim();
  const flag = flags[name];
  if (flag !== undefined) {
    if (value !== "true" && value !== "false") return false;
    draft[flag] = value === "true";
    return true;
  }
  if (name === "Prune" || name === "Delete") {
    const consent: DeletionConsent | undefined =
      value === "false" ? "no" : value === "confirm" ? "confirm" : value === "true" ? "yes" : undefined;
    if (consent === undefined) return false;
    draft[name === "Prune" ? "prune" : "delete"] = consent;
    return true;
  }
  if (name === "PrunePropagationPolicy") {
    const policy = propagation[value.toLowerCase()];
    if (policy === undefined) return false;
    draft.prunePropagationPolicy = policy;
    return true;
  }
  return false;
}
