// Who calls: finds the token in a request's headers, whatever the transport, and has it checked. A cookie counts for
// writes only where the request comes from our own pages.
import { DriftlessError } from "#base/errors.ts";
import type { Account } from "./account.ts";
import type { Sessions } from "./sessions.ts";

export const cookieName = "argocd.token";

export interface Credentials {
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
  /** Whether the request may change anything. */
  readonly writes: boolean;
}

/**
 * The account behind a request: by `Authorization: Bearer`, gRPC's metadata `token`, or the session's cookie; undefined
 * where there is no token. Errors: UNAUTHENTICATED for a token that does not hold, PERMISSION_DENIED for another site's.
 */
export async function authenticate(sessions: Sessions, given: Credentials): Promise<Account | undefined> {
  const bearer = given.header("authorization");
  const explicit = bearer?.startsWith("Bearer ") ? bearer.slice(7) : given.header("token");
  if (explicit) return sessions.verify(explicit);
  const cookie = cookieOf(given.header("cookie") ?? "");
  if (!cookie) return sessions.anonymous();
  // A page of another site can make a browser send our cookie, but neither our header nor a same-origin Origin.
  if (given.writes && !sameOrigin(given)) {
    throw new DriftlessError("PERMISSION_DENIED", "the request comes from another site");
  }
  return sessions.verify(cookie);
}

function sameOrigin(given: Credentials): boolean {
  const origin = given.header("origin");
  if (origin === undefined) return (given.header("sec-fetch-site") ?? "same-origin") === "same-origin";
  return URL.canParse(origin) && new URL(origin).host === (given.header("host") ?? given.header(":authority"));
}

function cookieOf(text: string): string | undefined {
  for (const part of text.split(";")) {
    const equals = part.indexOf("=");
    if (part.slice(0, equals).trim() === cookieName) return part.slice(equals + 1).trim();
  }
  return undefined;
}
