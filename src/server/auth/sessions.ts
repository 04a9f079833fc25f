// Local accounts and sessions: the first admin password, logging in, tokens and their check. Secrets live in
// `argocd-secret`, as Argo CD keeps them; the generated password stands in `argocd-initial-admin-secret` until removed.
import { compare, hash } from "bcryptjs";
import { SignJWT, jwtVerify } from "jose";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { rfc3339, type Clock } from "#base/ports.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { decodeBase64 } from "#model/repository.ts";

const secretType: ResourcePath = { group: "", version: "v1", plural: "secrets", namespaced: true };
const issuer = "argocd";
const sessionMs = 24 * 3600_000;
const secretName = "argocd-secret";
const initialName = "argocd-initial-admin-secret";
/** Failed logins of one account within the window; more are refused unread. */
const failureLimit = 5;
const failureWindowMs = 300_000;

export interface Account {
  readonly username: string;
  /** `local` accounts log in with a password; further kinds come with single sign-on. */
  readonly kind: "local";
  readonly expiresAtMs: number;
  readonly tokenId: string;
}

export interface SessionsDeps {
  readonly control: KubeClient;
  readonly namespace: string;
  readonly clock: Clock;
  /** Cryptographically strong random bytes. */
  randomBytes(count: number): Uint8Array;
}

interface Keys {
  readonly signing: Uint8Array;
  readonly adminHash: string;
  readonly adminChangedMs: number;
}

export class Sessions {
  readonly #deps: SessionsDeps;
  readonly #failures = new Map<string, number[]>();
  readonly #revoked = new Map<string, number>();
  #keys: Keys | undefined;

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
  }

  /** Reads the keys, and makes them (and the first admin password) where there are none yet. */
  async start(op: Op): Promise<void> {
    const { control, namespace } = this.#deps;
    const known = await control.get(op, secretType, { namespace, name: secretName });
    const data = dataOf(known);
    if (data["admin.password"] && data["server.secretkey"]) {
      this.#keys = keysOf(data);
      return;
    }
    const fresh: Record<string, string> = { ...data };
    fresh["server.secretkey"] ??= encode(base64(this.#deps.randomBytes(32)));
    if (!fresh["admin.password"]) {
      const password = this.#password();
      fresh["admin.password"] = encode(await hash(password, 10));
      fresh["admin.passwordMtime"] = encode(rfc3339(this.#deps.clock.now()));
      await this.#put(op, initialName, { password: encode(password) });
    }
    await this.#put(op, secretName, fresh);
    this.#keys = keysOf(fresh);
  }

  /** Checks name and password; returns a token. Errors: UNAUTHENTICATED, TOO_MANY_REQUESTS. */
  async login(username: string, password: string): Promise<string> {
    const { clock } = this.#deps;
    const recent = (this.#failures.get(username) ?? []).filter((atMs) => clock.now() - atMs < failureWindowMs);
    if (recent.length >= failureLimit)
      throw new DriftlessError("TOO_MANY_REQUESTS", "too many failed logins: try again later");
    const keys = this.#require();
    // The hash is computed for unknown names as well, so that the time taken does not tell which names exist.
    const right = await compare(password, keys.adminHash);
    if (!right || username !== "admin") {
      if (this.#failures.size > 10_000) this.#failures.clear();
      this.#failures.set(username, [...recent, clock.now()]);
      throw new DriftlessError("UNAUTHENTICATED", "Invalid username or password");
    }
    this.#failures.delete(username);
    const nowS = Math.floor(clock.now() / 1000);
    return new SignJWT({})
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuer(issuer)
      .setSubject(`${username}:login`)
      .setIssuedAt(nowS)
      .setNotBefore(nowS)
      .setExpirationTime(nowS + sessionMs / 1000)
      .setJti(base64url(this.#deps.randomBytes(16)))
      .sign(keys.signing);
  }

  /** Takes a token; returns whose it is. Error: UNAUTHENTICATED, always with the same text. */
  async verify(token: string): Promise<Account> {
    const { clock } = this.#deps;
    try {
      const { payload } = await jwtVerify(token, this.#require().signing, {
        issuer,
        algorithms: ["HS256"],
        currentDate: new Date(clock.now()),
        requiredClaims: ["sub", "exp", "iat", "jti"],
      });
      const [username = "", capability] = (payload.sub ?? "").split(":");
      const changed = (payload.iat ?? 0) * 1000 < this.#require().adminChangedMs - 1000;
      if (username !== "admin" || capability !== "login" || changed || this.#revoked.has(payload.jti!))
        throw new Error("refused");
      return { username, kind: "local", expiresAtMs: payload.exp! * 1000, tokenId: payload.jti! };
    } catch {
      throw new DriftlessError("UNAUTHENTICATED", "no valid session: log in");
    }
  }

  /** Ends a session before its time. */
  revoke(account: Account): void {
    const nowMs = this.#deps.clock.now();
    for (const [id, untilMs] of this.#revoked) if (untilMs < nowMs) this.#revoked.delete(id);
    this.#revoked.set(account.tokenId, account.expiresAtMs);
  }

  /** The generated password, where nobody has removed it yet. */
  async initialPassword(op: Op): Promise<string | undefined> {
    const secret = await this.#deps.control.get(op, secretType, { namespace: this.#deps.namespace, name: initialName });
    const encoded = dataOf(secret)["password"];
    return encoded === undefined ? undefined : decodeBase64(encoded);
  }

  #require(): Keys {
    if (!this.#keys) throw new DriftlessError("FAILED_PRECONDITION", "the server is still starting");
    return this.#keys;
  }

  #password(): string {
    const letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let password = "";
    while (password.length < 16) {
      for (const byte of this.#deps.randomBytes(32)) {
        if (byte < letters.length * 4 && password.length < 16) password += letters[byte % letters.length];
      }
    }
    return password;
  }

  async #put(op: Op, name: string, data: Record<string, string>): Promise<void> {
    const { control, namespace } = this.#deps;
    const labels = { "app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": name };
    const secret: KubernetesObject = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace, labels },
      type: "Opaque",
      data,
    };
    try {
      await control.create(op, secretType, secret, { fieldManager: "driftless" });
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code !== "ALREADY_EXISTS") throw error;
      await control.patch(op, secretType, { namespace, name }, { type: "merge", body: { data } });
    }
  }
}

function dataOf(secret: KubernetesObject | undefined): Readonly<Record<string, string>> {
  return (secret?.["data"] as Record<string, string> | undefined) ?? {};
}

function keysOf(data: Readonly<Record<string, string>>): Keys {
  const text = (name: string): string => decodeBase64(data[name] ?? "") ?? "";
  return {
    signing: new TextEncoder().encode(text("server.secretkey")),
    adminHash: text("admin.password"),
    adminChangedMs: Date.parse(text("admin.passwordMtime")) || 0,
  };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const encode = (text: string): string => Buffer.from(text, "utf8").toString("base64");
