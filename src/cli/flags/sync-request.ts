// From the flags of `app sync` to the body of its request. Pure.
import { DriftlessError } from "#base/errors.ts";
import type { Application, SyncResourceRef } from "#model/application.ts";
import { formatDuration } from "#model/duration.ts";
import type { SyncRequest } from "../server/api.ts";
import { parsePairs } from "./resources.ts";

export interface SyncFlags {
  readonly revision: string;
  readonly revisions: readonly string[];
  readonly "source-positions": readonly number[];
  readonly "source-names": readonly string[];
  readonly prune: boolean;
  readonly "dry-run": boolean;
  readonly strategy: string;
  readonly force: boolean;
  readonly replace: boolean;
  readonly "server-side": boolean;
  readonly "apply-out-of-sync-only": boolean;
  readonly "ignore-dependencies": boolean;
  readonly info: readonly string[];
  readonly "retry-limit": number;
  readonly "retry-refresh": boolean;
  readonly "retry-backoff-duration": number;
  readonly "retry-backoff-max-duration": number;
  readonly "retry-backoff-factor": number;
}

/** Errors: INVALID_ARGUMENT naming the flag. */
export function syncRequest(flags: SyncFlags, app: Application, resources: readonly SyncResourceRef[]): SyncRequest {
  const several = (app.spec.sources?.length ?? 0) > 0;
  if (several && flags.revision !== "")
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      "--revision is for one source; use --revisions with --source-positions",
    );
  const positions = sourcePositions(flags, app);
  const items = [
    ...(flags.replace ? ["Replace=true"] : []),
    ...(flags["server-side"] ? ["ServerSideApply=true"] : []),
    ...(flags["apply-out-of-sync-only"] ? ["ApplyOutOfSyncOnly=true"] : []),
  ];
  // Options of a request stand in place of the application's: ours is to be one more of them.
  if (flags["ignore-dependencies"]) {
    if (items.length === 0) items.push(...(app.spec.syncPolicy?.syncOptions ?? []));
    items.push("IgnoreDependencies=true");
  }
  const infos = Object.entries(parsePairs(flags.info, "--info")).map(([name, value]) => ({ name, value }));
  return {
    prune: flags.prune,
    dryRun: flags["dry-run"],
    strategy: strategyOf(flags),
    ...(flags.revision === "" ? {} : { revision: flags.revision }),
    ...(positions.length === 0 ? {} : { revisions: flags.revisions, sourcePositions: positions }),
    ...(resources.length === 0 ? {} : { resources }),
    ...(infos.length === 0 ? {} : { infos }),
    ...(items.length === 0 ? {} : { syncOptions: { items } }),
    ...(flags["retry-limit"] === 0 ? {} : { retryStrategy: retryOf(flags) }),
  };
}

function strategyOf(flags: SyncFlags): NonNullable<SyncRequest["strategy"]> {
  if (flags.strategy === "apply") return { apply: flags.force ? { force: true } : {} };
  if (flags.strategy === "" || flags.strategy === "hook") return { hook: flags.force ? { force: true } : {} };
  throw new DriftlessError(
    "INVALID_ARGUMENT",
    `Unknown sync strategy: '${flags.strategy}' (--strategy takes apply or hook)`,
  );
}

function retryOf(flags: SyncFlags): NonNullable<SyncRequest["retryStrategy"]> {
  return {
    limit: flags["retry-limit"],
    backoff: {
      duration: formatDuration(flags["retry-backoff-duration"]),
      factor: flags["retry-backoff-factor"],
      maxDuration: formatDuration(flags["retry-backoff-max-duration"]),
    },
    ...(flags["retry-refresh"] ? { refresh: true } : {}),
  };
}

function sourcePositions(flags: SyncFlags, app: Application): readonly number[] {
  const named = flags["source-names"].map((name) => {
    const at = (app.spec.sources ?? []).findIndex((source) => source.name === name);
    if (at < 0) throw new DriftlessError("INVALID_ARGUMENT", `the application has no source named "${name}"`);
    return at + 1;
  });
  const positions = [...flags["source-positions"], ...named];
  if (positions.some((position) => position < 1))
    throw new DriftlessError("INVALID_ARGUMENT", "--source-positions are counted from 1");
  if (positions.length !== flags.revisions.length)
    throw new DriftlessError("INVALID_ARGUMENT", "--revisions needs as many --source-positions or --source-names");
  return positions;
}
