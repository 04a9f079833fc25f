// Which of an application's sources a command means: by position, counted from 1, or by name. Pure.
import { DriftlessError } from "#base/errors.ts";
import type { Application } from "#model/application.ts";

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
