// Logs, by pino: one JSON object a line, or short lines for people. Fields that may hold a secret are redacted by name, and
// user information in URLs wherever it stands. Nothing that is logged can begin a line of its own.
import pino from "pino";
import type { LogFields, Logger } from "#base/operation.ts";
import { redactUrls } from "#base/redact.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "json" | "text";
  /** Where lines go. */
  readonly destination: { write(line: string): void };
}

const secretNames = ["password", "token", "secret", "authorization", "sshPrivateKey", "bearerToken"];
const redact = { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: "******" };

/** A logger over one that is made when the first line is written: most passes write none. */
function wrap(make: () => pino.Logger, enabled: (level: LogLevel) => boolean): Logger {
  let made: pino.Logger | undefined;
  const emit = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (!enabled(level)) return;
    made ??= make();
    made[level](fields ?? {}, message);
  };
  return {
    debug: emit("debug"),
    info: emit("info"),
    warn: emit("warn"),
    error: emit("error"),
    with: (fields) => wrap(() => (made ??= make()).child(fields), enabled),
  };
}

/** Takes level, format and destination; returns a logger. In "text" a line is `time LEVEL message field=value …`. */
export function createLogger(options: LogOptions): Logger {
  const write = (line: string): void => options.destination.write(redactUrls(line));
  const destination = { write: options.format === "json" ? write : (line: string) => write(asText(line)) };
  const root = pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact },
    destination,
  );
  return wrap(
    () => root,
    (level) => root.isLevelEnabled(level),
  );
}

const levelNames: Readonly<Record<number, string>> = { 20: "DEBUG", 30: "INFO ", 40: "WARN ", 50: "ERROR" };

function asText(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as { level: number; time: string; msg: string };
  const rest = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === "string" ? oneLine(value) : JSON.stringify(value)}`,
  );
  return `${time.slice(11, 19)} ${levelNames[level] ?? level} ${oneLine(msg)}${rest.join("")}\n`;
}

/** A text as it is, or quoted where it would break the line or move the cursor. */
function oneLine(text: string): string {
  return /[\p{Cc}\u2028\u2029]/u.test(text) ? JSON.stringify(text) : text;
}
