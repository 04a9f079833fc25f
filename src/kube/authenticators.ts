// Credentials that change while we run: token files (service accounts rotate theirs) and exec plugins.
// Source: Kubernetes "Authenticating", client-go credential plugins; "Managing Service Accounts", bound tokens.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { Authenticator } from "./connection.ts";

const tokenFileAgeMs = 60_000;
const execTimeoutMs = 60_000;
/** A credential is renewed this long before it ends, so that a request under way does not meet its end. */
const renewBeforeMs = 30_000;
const largestOutputBytes = 1024 * 1024;

/** A bearer token in a file, read again every minute and after a refusal. */
export function tokenFile(path: string, clock: Clock): Authenticator {
  let value: string | undefined;
  let readAtMs = 0;
  return {
    authorization() {
      const now = clock.monotonic();
      if (value !== undefined && now - readAtMs < tokenFileAgeMs) return value;
      readAtMs = now;
      try {
        const token = readFileSync(path, "utf8").trim();
        value = `Bearer ${token}`;
      } catch (cause) {
        // A file that is missing for a moment (a volume being swapped) must not drop a token that still works.
        if (value === undefined) {
          throw new DriftlessError("CONFIG_INVALID", `token file ${path} cannot be read`, { cause });
        }
      }
      return value;
    },
    refused() {
      readAtMs = Number.NEGATIVE_INFINITY;
      return true;
    },
  };
}

export interface ExecConfig {
  readonly apiVersion?: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
}

interface ExecCredential {
  readonly status?: {
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
    readonly expirationTimestamp?: string;
  };
}

export interface ExecContext {
  readonly clock: Clock;
  /** The environment that the plugin inherits. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For `provideClusterInfo`. */
  readonly cluster: Readonly<Record<string, unknown>>;
}

/** An exec credential plugin. Concurrent requests share one run; the result is kept until it ends or is refused. */
export function execPlugin(config: ExecConfig, context: ExecContext): Authenticator {
  let current: ExecCredential["status"] | undefined;
  let endsAtMs = Number.POSITIVE_INFINITY;
  let running: Promise<void> | undefined;
  const run = async (op: Operation): Promise<void> => {
    const credential = await runPlugin(op, config, context);
    current = credential.status ?? {};
    const ends = current.expirationTimestamp === undefined ? Number.NaN : Date.parse(current.expirationTimestamp);
    endsAtMs = Number.isNaN(ends) ? Number.POSITIVE_INFINITY : ends - renewBeforeMs;
  };
  const value = (): string | undefined => (current?.token === undefined ? undefined : `Bearer ${current.token}`);
  return {
    authorization(op) {
      if (current !== undefined && context.clock.now() < endsAtMs) return value();
      running ??= run(op).finally(() => {
        running = undefined;
      });
      return running.then(value);
    },
    refused() {
      current = undefined;
      return true;
    },
    certificate() {
      const cert = current?.clientCertificateData;
      const key = current?.clientKeyData;
      return cert === undefined || key === undefined ? undefined : { cert, key };
    },
  };
}

function runPlugin(op: Operation, config: ExecConfig, context: ExecContext): Promise<ExecCredential> {
  const apiVersion = config.apiVersion ?? "client.authentication.k8s.io/v1";
  const spec = { interactive: false, ...(config.provideClusterInfo === true ? { cluster: context.cluster } : {}) };
  const env: Record<string, string | undefined> = {
    ...context.environment,
    KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: "ExecCredential", spec }),
  };
  for (const { name, value } of config.env ?? []) env[name] = value;
  const failed = (message: string, cause?: unknown): DriftlessError =>
    new DriftlessError("PERMISSION_DENIED", `credential plugin ${config.command}: ${message}`, { cause });
  return new Promise((resolve, reject) => {
    const child = spawn(config.command, config.args ?? [], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
      signal: op.signal,
      timeout: execTimeoutMs,
    });
    let output = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > largestOutputBytes) child.kill();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    child.on("error", (cause: NodeJS.ErrnoException) => {
      const hint = cause.code === "ENOENT" && config.installHint !== undefined ? `; ${config.installHint}` : "";
      reject(failed(cause.code === "ENOENT" ? `not found${hint}` : cause.message, cause));
    });
    child.on("close", (code) => {
      if (code !== 0) {
        reject(failed(complaint.trim() || `ended with code ${code ?? "unknown"}`));
        return;
      }
      try {
        resolve(JSON.parse(output) as ExecCredential);
      } catch (cause) {
        reject(failed("its output is not an ExecCredential", cause));
      }
    });
  });
}
