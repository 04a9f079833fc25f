// Which of an application's sources a command means: by position, counted from 1, or by name. Pure.
import { DriftlessError } from "#base/errors.ts";
import type { Application } from "#model/application.ts";
import type { RevisionQuery } from "../server/api.ts";

/** Returns the index in `spec.sources`, or undefined for an application with one source. Error: INVALID_ARGUMENT. */
export function sourceIndex(
  app: Application,
  flags: { readonly "source-position": number; readonly "source-name": string },
): number | undefined {
  const sources = app.spec.sources ?? [];
  if (sources.length === 0) return undefined;
  const name = flags["source-name"];
  const index = name === "" ? flags["source-position"] - 1 : sources.findIndex((source) => source.name === name);
  if (index >= 0 && index < sources.length) return index;
  const wrong = name === "" ? "" : `; none is named "${name}"`;
  throw new DriftlessError(
    "INVALID_ARGUMENT",
    `the application has ${sources.length} sources: choose one with --source-position, counted from 1, or --source-name${wrong}`,
  );
}

/**
 * The revisions that flags name, for one source or for several. Errors: INVALID_ARGUMENT where flags contradict each other
 * or the application.
 */
export function revisionQuery(
  app: Application,
  flags: {
    readonly revision: string;
    readonly revisions: readonly string[];
    readonly "source-positions": readonly number[];
    readonly "source-names": readonly string[];
  },
): RevisionQuery | undefined {
  const { revision, revisions, "source-positions": positions, "source-names": names } = flags;
  if (positions.length > 0 && names.length > 0)
    throw new DriftlessError("INVALID_ARGUMENT", "only one of --source-positions and --source-names can be given");
  const sources = app.spec.sources ?? [];
  const found = names.length === 0 ? positions : names.map((name) => positionOf(app, name));
  if (revisions.length !== found.length)
    throw new DriftlessError("INVALID_ARGUMENT", "--revisions needs as many --source-positions or --source-names");
  if (revisions.length === 0) {
    if (revision !== "" && sources.length > 0)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        "--revision is for one source; use --revisions with --source-positions",
      );
    return revision === "" ? undefined : { revision };
  }
  if (sources.length === 0)
    throw new DriftlessError("INVALID_ARGUMENT", "the application has one source: use --revision");
  if (found.some((position) => position < 1 || position > sources.length))
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `--source-positions are counted from 1, and the application has ${sources.length} sources`,
    );
  return { revisions, sourcePositions: found };
}

/** Error: INVALID_ARGUMENT where no source has the name. */
function positionOf(app: Application, name: string): number {
  const at = (app.spec.sources ?? []).findIndex((source) => source.name === name);
  if (at < 0) throw new DriftlessError("INVALID_ARGUMENT", `the application has no source named "${name}"`);
  return at + 1;
}
