// Brute force: failed logins of an account, and of an address, within a window. More are refused unread. In memory alone.
import { DriftlessError } from "#base/errors.ts";
import type { Clock } from "#base/ports.ts";

const windowMs = 300_000;
const perAccount = 5;
/** An address may stand for a whole office. */
const perAddress = 50;
const mostKept = 10_000;

export class LoginLimits {
  readonly #clock: Clock;
  readonly #failures = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Error: TOO_MANY_REQUESTS. */
  check(username: string, address: string): void {
    const tooMany =
      this.#recent(`account ${username}`).length >= perAccount ||
      (address !== "" && this.#recent(`address ${address}`).length >= perAddress);
    if (tooMany) throw new DriftlessError("TOO_MANY_REQUESTS", "too many failed logins: try again later");
  }

  failed(username: string, address: string): void {
    for (const key of [`account ${username}`, ...(address === "" ? [] : [`address ${address}`])]) {
      const recent = this.#recent(key);
      // The oldest go first, so that nobody forgets their own failures by making up names.
      this.#failures.delete(key);
      this.#failures.set(key, [...recent, this.#clock.now()]);
    }
    for (const key of this.#failures.keys()) {
      if (this.#failures.size <= mostKept) break;
      this.#failures.delete(key);
    }
  }

  succeeded(username: string): void {
    this.#failures.delete(`account ${username}`);
  }

  #recent(key: string): readonly number[] {
    const nowMs = this.#clock.now();
    return (this.#failures.get(key) ?? []).filter((atMs) => nowMs - atMs < windowMs);
  }
}
