// `KEY=VALUE` of flags, as mappings. Pure.
import { DriftlessError } from "#base/errors.ts";

/** Error: INVALID_ARGUMENT naming the flag. */
export function pairs(flag: string, written: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    written.map((item) => {
      const at = item.indexOf("=");
      if (at <= 0) throw new DriftlessError("INVALID_ARGUMENT", `--${flag} takes KEY=VALUE, not "${item}"`);
      return [item.slice(0, at), item.slice(at + 1)];
    }),
  );
}
