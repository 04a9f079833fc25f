// Where an API server is and how we prove who we are: the outcome of reading any kind of credentials. Types only.
import type { Operation } from "#base/operation.ts";

export interface TlsMaterial {
  /** PEM. Absent: the system's authorities. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly insecure?: boolean;
}

/** Gives the value of the Authorization header, and renews what it is made of. */
export interface Authenticator {
  /** The header's value, at once where it is known. */
  authorization(op: Operation): string | undefined | Promise<string | undefined>;
  /** The server answered 401: forget what was cached. Returns whether asking again may give another value. */
  refused(): boolean;
  /** A client certificate that comes with the credentials (exec plugins). */
  certificate?(): { readonly cert: string; readonly key: string } | undefined;
}

export interface Connection {
  /** Shown to people. */
  readonly name: string;
  /** `https://host:port[/prefix]` */
  readonly server: string;
  readonly tls: TlsMaterial;
  readonly auth: Authenticator;
  readonly proxyUrl?: string;
  readonly disableCompression?: boolean;
  /** Sent with every request (impersonation). */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

export const anonymous: Authenticator = { authorization: () => undefined, refused: () => false };

/** A fixed bearer token or user and password. */
export function fixedAuthorization(value: string): Authenticator {
  return { authorization: () => value, refused: () => false };
}
