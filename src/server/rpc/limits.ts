// How much of the server one connection, one request and one account may take, and for how long. Values alone, with what
// `argocd-cmd-params-cm` says of them; the listener and the transports hold to them.
import { DriftlessError } from "#base/errors.ts";
import type { ConfigData } from "#model/settings.ts";
import type { Account } from "../auth/account.ts";

export interface ConnectionLimits {
  /** A new connection says something within this time, or is closed. */
  readonly firstBytesMs: number;
  /** All headers of a request are there within this time. */
  readonly headersMs: number;
  /** All of a request is there within this time; its answer may take as long as it likes. */
  readonly requestMs: number;
  /** A client that takes nothing of what was written for it for this long is gone. */
  readonly stalledMs: number;
  /** A connection without a request is kept this long. */
  readonly idleMs: number;
  /** An HTTP/2 connection is asked this often whether anybody is there, and closed where nobody answers in the meantime. */
  readonly pingMs: number;
  readonly headerBytes: number;
  /** Requests at a time in one HTTP/2 connection. */
  readonly streamsPerConnection: number;
}

export interface ServerLimits extends ConnectionLimits {
  /** Watches, logs and other streams that one account may have open. */
  readonly streamsPerAccount: number;
}

export const defaultLimits: ServerLimits = {
  firstBytesMs: 10_000,
  headersMs: 20_000,
  requestMs: 300_000,
  stalledMs: 60_000,
  idleMs: 300_000,
  pingMs: 30_000,
  headerBytes: 64 * 1024,
  streamsPerConnection: 2000,
  streamsPerAccount: 10_000,
};

const keys = [
  ["server.request.timeout.seconds", "requestMs", 1000],
  ["server.request.headers.max.bytes", "headerBytes", 1],
  ["server.connection.max.streams", "streamsPerConnection", 1],
  ["server.account.max.streams", "streamsPerAccount", 1],
] as const;

/** Takes the ConfigMap's data; returns the limits, each at its default where it is not usable, with what is wrong. */
export function limitsOf(params: ConfigData | undefined): {
  readonly limits: ServerLimits;
  readonly problems: readonly { readonly key: string; readonly value: string; readonly why: string }[];
} {
  const problems: { key: string; value: string; why: string }[] = [];
  const given: Partial<Record<keyof ServerLimits, number>> = {};
  for (const [key, limit, factor] of keys) {
    const value = params?.[key]?.trim() ?? "";
    if (/^[1-9]\d{0,8}$/.test(value)) given[limit] = Number(value) * factor;
    else if (value !== "") problems.push({ key, value, why: "it is not a whole number above 0" });
  }
  return { limits: { ...defaultLimits, ...given }, problems };
}

/** Counts the streams that accounts have open. */
export class OpenStreams {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** One more; the returned function ends it, once. Error: TOO_MANY_REQUESTS. */
  take(account: Account | undefined): () => void {
    const name = account?.username ?? "";
    const open = this.#open.get(name) ?? 0;
    if (open >= this.#most)
      throw new DriftlessError(
        "TOO_MANY_REQUESTS",
        `${name === "" ? "anonymous callers have" : `${name} has`} ${open} streams open, as many as server.account.max.streams allows: close some`,
      );
    this.#open.set(name, open + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const left = (this.#open.get(name) ?? 1) - 1;
      if (left > 0) this.#open.set(name, left);
      else this.#open.delete(name);
    };
  }
}
