// Tokens as people are told of them: how long they are to last, what they say of themselves. Verifies nothing: that is the
// server's. Pure.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import { parseDuration } from "#model/duration.ts";

/** Seconds of `12h`, `7d` or `1d12h`; 0 means for ever. Error: INVALID_ARGUMENT naming the flag. */
export function lifetime(text: string): number {
  const [, days = "0", rest = ""] = /^(?:(\d+)d)?(.*)$/s.exec(text.trim()) ?? [];
  const restMs = rest === "" ? 0 : parseDuration(rest);
  if (restMs === undefined || restMs < 0)
    throw new DriftlessError("INVALID_ARGUMENT", `--expires-in takes a duration such as 12h or 7d, not "${text}"`);
  return Number(days) * 86_400 + Math.floor(restMs / 1000);
}

export interface Claims {
  readonly jti: string;
  readonly sub: string;
  readonly iss: string;
  /** Seconds since the epoch; 0 where it is not said. */
  readonly iat: number;
  readonly exp: number;
}

/** What a token says of itself, unverified. Error: FAILED_PRECONDITION for what is no token. */
export function claimsOf(token: string): Claims {
  let payload: unknown;
  try {
    payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  } catch {
    payload = undefined;
  }
  if (!isObject(payload)) throw new DriftlessError("FAILED_PRECONDITION", "the server's token is malformed");
  const text = (name: string): string => (typeof payload[name] === "string" ? payload[name] : "");
  const number = (name: string): number => (typeof payload[name] === "number" ? Math.floor(payload[name]) : 0);
  return { jti: text("jti"), sub: text("sub"), iss: text("iss"), iat: number("iat"), exp: number("exp") };
}
