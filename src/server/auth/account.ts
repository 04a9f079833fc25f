// Who calls, whatever it was proved by. Types only.

export interface Account {
  /** A local account's name, `proj:PROJECT:ROLE` for a project's token, the subject for single sign-on. */
  readonly username: string;
  readonly kind: "local" | "project" | "sso" | "anonymous";
  readonly issuer: string;
  /** Groups that single sign-on told of. */
  readonly groups: readonly string[];
  /** Of a project's token. */
  readonly project?: { readonly name: string; readonly role: string };
  readonly tokenId?: string;
  readonly issuedAtMs?: number;
  /** Undefined: the token does not expire. */
  readonly expiresAtMs?: number;
}
