// What the program asks of the world, as interfaces: src/main wires the real ones, tests and the simulator others.

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds from an arbitrary start that never go backwards. */
  monotonic(): number;
  /** Calls back after `delayMs`; the returned function cancels. Never keeps the process alive by itself. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface Random {
  /** A number from 0 (included) to 1 (excluded). Not for secrets. */
  next(): number;
}

/** Seconds-precision RFC 3339 in UTC, as Kubernetes writes times: `2026-01-02T03:04:05Z`. */
export function rfc3339(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}
