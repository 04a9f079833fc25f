// Hands a command line to src/cli.
import { DriftlessError } from "#base/errors.ts";

export function runCli(args: readonly string[]): Promise<number> {
  return Promise.reject(new DriftlessError("UNIMPLEMENTED", `there is no command ${args.join(" ")}`));
}
