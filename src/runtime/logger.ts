// Logs, by pino: one JSON object a line, or short lines for people. Fields that may hold a secret are redacted by name.
import pino from "pino";
import type { LogFields, Logger } from "#base/operation.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "json" | "text";
  /** Where lines go. */
  readonly destination: { write(line: string): void };
}

const secretNames = ["password", "token", "secret", "authorization", "sshPrivateKey", "bearerToken"];
const redact = { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: "******" };

function wrap(inner: pino.Logger): Logger {
  const emit = (level: LogLevel) => (message: string, fields?: LogFields) => inner[level](fields ?? {}, message);
  return {
    debug: emit("debug"),
    info: emit("info"),
    warn: emit("warn"),
    error: emit("error"),
    with: (fields) => wrap(inner.child(fields)),
  };
}

/** Takes level, format and destination; returns a logger. In "text" a line is `time LEVEL message field=value …`. */
export function createLogger(options: LogOptions): Logger {
  const destination =
    options.format === "json"
      ? options.destination
      : { write: (line: string) => options.destination.write(asText(line)) };
  return wrap(
    pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact }, destination),
  );
}

const levelNames: Readonly<Record<number, string>> = { 20: "DEBUG", 30: "INFO ", 40: "WARN ", 50: "ERROR" };

function asText(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as { level: number; time: string; msg: string };
  const rest = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${time.slice(11, 19)} ${levelNames[level] ?? level} ${msg}${rest.join("")}\n`;
}
