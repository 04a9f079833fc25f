// Values as JSON and YAML documents, as argocd prints them: two spaces or four, keys sorted in YAML. Loads YAML only where
// it is asked for.
import { DriftlessError } from "#base/errors.ts";

export async function yamlText(value: unknown): Promise<string> {
  const { dump } = await import("js-yaml");
  return dump(value, { sortKeys: true, lineWidth: -1, noRefs: true });
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** The text of `-o json` or `-o yaml`. */
export function document(value: unknown, output: "json" | "yaml"): Promise<string> | string {
  return output === "json" ? jsonText(value) : yamlText(value);
}

/** Error: INVALID_ARGUMENT for an output that the command does not have. */
export function checkOutput(output: string, allowed: readonly string[]): void {
  if (output === "" || allowed.includes(output)) return;
  throw new DriftlessError(
    "INVALID_ARGUMENT",
    `unknown output format: ${output} (--output takes one of ${allowed.join(", ")})`,
  );
}

const pad = (value: number): string => String(value).padStart(2, "0");

/** A time as Go prints it, in the local zone: `2026-01-02 15:04:05 +0000 UTC`. Empty text for no time. */
export function goTime(time: string | undefined, offsetMinutes?: number): string {
  if (time === undefined || time === "") return "<nil>";
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const offset = offsetMinutes ?? -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000);
  const sign = offset < 0 ? "-" : "+";
  const zone = `${sign}${pad(Math.floor(Math.abs(offset) / 60))}${pad(Math.abs(offset) % 60)}`;
  const day = `${local.getUTCFullYear()}-${pad(local.getUTCMonth() + 1)}-${pad(local.getUTCDate())}`;
  const hours = `${pad(local.getUTCHours())}:${pad(local.getUTCMinutes())}:${pad(local.getUTCSeconds())}`;
  return `${day} ${hours} ${zone} ${offset === 0 ? "UTC" : zoneName(date, zone)}`;
}

function zoneName(date: Date, zone: string): string {
  const name = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" })
    .formatToParts(date)
    .find((part) => part.type === "timeZoneName")?.value;
  return name !== undefined && /^[A-Z]{3,5}$/.test(name) ? name : zone.replace(/00$/, "");
}
