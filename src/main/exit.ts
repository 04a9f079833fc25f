// How the program ends when something is wrong: one sentence for people, one code for scripts, never a stack trace.
import { toError, type ErrorCode } from "#base/errors.ts";

const codes: Partial<Record<ErrorCode, number>> = {
  CONFIG_INVALID: 2,
  INVALID_ARGUMENT: 2,
  GIT_MISSING: 3,
  PORT_IN_USE: 4,
  DATA_DIR_UNWRITABLE: 5,
  DATA_DIR_LOCKED: 5,
  UNAUTHENTICATED: 20,
};

export function exitCodeOf(thrown: unknown): number {
  return codes[toError(thrown).code] ?? 1;
}

/** What was wrong and what to do. `DRIFTLESS_DEBUG=1` adds where it was thrown. */
export function sentenceOf(
  thrown: unknown,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const error = toError(thrown);
  const sentence = `driftless: ${error.message.replace(/\.?$/, ".")} ${error.entry.hint}`;
  return environment["DRIFTLESS_DEBUG"] ? `${sentence}\n${error.stack ?? ""}` : sentence;
}
