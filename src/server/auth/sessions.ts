// Sessions and tokens: logging in, what a token says and whether it holds, the first admin password. Keys live in
// `argocd-secret`, as Argo CD keeps them; the generated password stands in `argocd-initial-admin-secret` until removed.
// Sessions that were ended are kept in a Secret of their own until they would have expired, for every replica and restart.
import { timingSafeEqual } from "node:crypto";
import { hash } from "bcryptjs";
import { SignJWT, jwtVerify, type JWTPayload } from "jose";
import { DriftlessError } from "#base/errors.ts";
import { isObject, listAt, numberAt, stringAt } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { rfc3339, type Clock } from "#base/ports.ts";
import type { AppProject } from "#model/application.ts";
import type { Settings } from "#model/settings.ts";
import type { Account } from "./account.ts";
import { Accounts, secretName, type LocalAccount } from "./accounts.ts";
import { LoginLimits } from "./login-limits.ts";
import { changeSecret, readSecret, type SecretData, type SecretDeps } from "./secret.ts";

const issuer = "argocd";
/** Whom our tokens are for. Argo CD's own name nobody, and count; what is for somebody else does not. */
const audience = "argocd";
const initialName = "argocd-initial-admin-secret";
/** The Secret that keeps ended sessions. */
export const endedName = "driftless-ended-sessions";

export interface SessionsDeps extends SecretDeps {
  readonly clock: Clock;
  settings(): Pick<Settings, "accounts" | "adminEnabled" | "anonymousEnabled" | "passwordPattern" | "sessionMs">;
  project(name: string): AppProject | undefined;
  /** Cryptographically strong random bytes. */
  randomBytes(count: number): Uint8Array;
  /** Whom the server is run for: with this token one is the admin, whatever the accounts say, and nobody else gets in. */
  readonly caller?: { readonly token: string };
}

export class Sessions {
  readonly accounts: Accounts;
  readonly #deps: SessionsDeps;
  readonly #limits: LoginLimits;
  readonly #ended = new Map<string, number>();
  #secret: SecretData = {};

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
    this.#limits = new LoginLimits(deps.clock);
    this.accounts = new Accounts({
      control: deps.control,
      namespace: deps.namespace,
      clock: deps.clock,
      settings: () => deps.settings(),
      secret: () => this.#secret,
      changed: (data) => this.observe(data),
    });
  }

  /** Reads the keys, and makes them (and the first admin password) where there are none yet. */
  async start(op: Op): Promise<void> {
    const { clock } = this.#deps;
    if (this.#deps.caller) {
      this.#secret = await readSecret(op, this.#deps, secretName);
      return;
    }
    let password: string | undefined;
    this.#secret = await changeSecret(op, this.#deps, secretName, async (data) => {
      const fresh: Record<string, string> = {};
      if (!data["server.secretkey"]) fresh["server.secretkey"] = base64(this.#deps.randomBytes(32));
      if (!data["admin.password"]) {
        password = this.#password();
        fresh["admin.password"] = await hash(password, 10);
        fresh["admin.passwordMtime"] = rfc3339(clock.now());
      }
      return fresh;
    });
    const made = password;
    if (made !== undefined) await changeSecret(op, this.#deps, initialName, () => ({ password: made }));
    this.observeEnded(await readSecret(op, this.#deps, endedName));
  }

  /** Takes in `argocd-secret` as it stands now: passwords and tokens count at once. */
  observe(data: SecretData): void {
    if (data["server.secretkey"]) this.#secret = data;
  }

  /** Checks name and password; returns a token. Errors: UNAUTHENTICATED, TOO_MANY_REQUESTS. */
  async login(username: string, password: string, address = ""): Promise<string> {
    await this.checkPassword(username, password, address);
    return this.#sign(`${username}:login`, { expiresInS: Math.floor(this.#deps.settings().sessionMs / 1000) });
  }

  /** Whether a password is an account's, within the limits of guessing. Errors: UNAUTHENTICATED, TOO_MANY_REQUESTS. */
  async checkPassword(username: string, password: string, address: string): Promise<void> {
    this.#limits.check(username, address);
    if (!(await this.accounts.accepts(username, password))) {
      this.#limits.failed(username, address);
      throw new DriftlessError("UNAUTHENTICATED", "Invalid username or password");
    }
    this.#limits.succeeded(username);
  }

  /** A token of a local account, noted with it. Errors as Accounts.addToken. `expiresInS` 0: it does not expire. */
  async createToken(
    op: Op,
    name: string,
    options: { readonly id?: string; readonly expiresInS: number },
  ): Promise<string> {
    const { id = base64url(this.#deps.randomBytes(16)), expiresInS } = options;
    const iat = this.#nowS();
    await this.accounts.addToken(op, name, { id, iat, ...(expiresInS > 0 ? { exp: iat + expiresInS } : {}) });
    return this.#sign(`${name}:apiKey`, { id, expiresInS, iat });
  }

  /** A token for a project's role; whoever calls notes it in the project. */
  async signProjectToken(
    project: string,
    role: string,
    token: { readonly id: string; readonly iat: number; readonly expiresInS: number },
  ): Promise<string> {
    return this.#sign(`proj:${project}:${role}`, token);
  }

  /** Takes a token; returns whose it is. Error: UNAUTHENTICATED, always with the same text. */
  async verify(token: string): Promise<Account> {
    if (this.#isCaller(token)) return { username: "admin", kind: "local", issuer, groups: [] };
    try {
      if (this.#deps.caller) throw new Error("somebody else's server");
      const { payload } = await jwtVerify(token, this.#key(), {
        issuer,
        algorithms: ["HS256"],
        currentDate: new Date(this.#deps.clock.now()),
        requiredClaims: ["sub", "iat", "jti"],
      });
      if (payload.aud !== undefined && ![payload.aud].flat().includes(audience)) throw new Error("for somebody else");
      if (this.#ended.has(payload.jti!)) throw new Error("ended");
      const found = payload.sub!.startsWith("proj:") ? this.#projectToken(payload) : this.#localToken(payload);
      return {
        ...found,
        issuer,
        groups: [],
        tokenId: payload.jti!,
        issuedAtMs: payload.iat! * 1000,
        ...(payload.exp === undefined ? {} : { expiresAtMs: payload.exp * 1000 }),
      };
    } catch {
      throw new DriftlessError("UNAUTHENTICATED", "no valid session: log in");
    }
  }

  /** Who a request without a token is. */
  anonymous(): Account | undefined {
    return this.#deps.settings().anonymousEnabled && !this.#deps.caller
      ? { username: "", kind: "anonymous", issuer: "", groups: [] }
      : undefined;
  }

  /** Ends a session before its time, on every replica. */
  async revoke(op: Op, account: Account): Promise<void> {
    const { tokenId, expiresAtMs } = account;
    if (tokenId === undefined || expiresAtMs === undefined) return;
    this.#ended.set(tokenId, expiresAtMs);
    const nowMs = this.#deps.clock.now();
    const data = await changeSecret(op, this.#deps, endedName, (before) => {
      const changes: Record<string, string | null> = { [tokenId]: String(expiresAtMs) };
      for (const [id, until] of Object.entries(before)) if (Number(until) < nowMs) changes[id] = null;
      return changes;
    });
    this.observeEnded(data);
  }

  /** The generated password, where nobody has removed it yet. */
  async initialPassword(op: Op): Promise<string | undefined> {
    return (await readSecret(op, this.#deps, initialName))["password"];
  }

  /** Takes in sessions that were ended anywhere. */
  observeEnded(data: SecretData): void {
    const nowMs = this.#deps.clock.now();
    for (const [id, until] of Object.entries(data)) this.#ended.set(id, Number(until));
    for (const [id, untilMs] of this.#ended) if (untilMs < nowMs) this.#ended.delete(id);
  }

  #localToken({ sub, iat, jti, exp }: JWTPayload): Pick<Account, "username" | "kind"> {
    const colon = sub!.lastIndexOf(":");
    const [username, capability] = [sub!.slice(0, colon), sub!.slice(colon + 1)];
    const account: LocalAccount = this.accounts.get(username);
    if (!account.enabled) throw new Error("disabled");
    if (capability === "login") {
      if (
        exp === undefined ||
        !account.capabilities.includes("login") ||
        iat! * 1000 < account.passwordChangedMs - 1000
      )
        throw new Error("refused");
    } else if (
      capability !== "apiKey" ||
      !account.capabilities.includes("apiKey") ||
      !account.tokens.some(({ id }) => id === jti)
    ) {
      throw new Error("refused");
    }
    return { username, kind: "local" };
  }

  #projectToken({ sub, iat, jti }: JWTPayload): Pick<Account, "username" | "kind" | "project"> {
    const [, name = "", role = ""] = sub!.split(":");
    const project = this.#deps.project(name);
    const noted = project ? tokensOfRole(project, role) : [];
    if (!noted.some((token) => (token.id === undefined ? token.iat === iat : token.id === jti)))
      throw new Error("refused");
    return { username: `proj:${name}:${role}`, kind: "project", project: { name, role } };
  }

  #sign(
    subject: string,
    token: { readonly id?: string; readonly iat?: number; readonly expiresInS: number },
  ): Promise<string> {
    const iat = token.iat ?? this.#nowS();
    const jwt = new SignJWT({})
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt(iat)
      .setNotBefore(iat)
      .setJti(token.id ?? base64url(this.#deps.randomBytes(16)));
    if (token.expiresInS > 0) jwt.setExpirationTime(iat + token.expiresInS);
    return jwt.sign(this.#key());
  }

  #isCaller(token: string): boolean {
    const { caller } = this.#deps;
    if (!caller || caller.token === "" || caller.token.length !== token.length) return false;
    return timingSafeEqual(Buffer.from(caller.token), Buffer.from(token));
  }

  #key(): Uint8Array {
    const key = this.#secret["server.secretkey"];
    if (!key) throw new DriftlessError("FAILED_PRECONDITION", "the server is still starting");
    return new TextEncoder().encode(key);
  }

  #nowS(): number {
    return Math.floor(this.#deps.clock.now() / 1000);
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
}

/** Tokens that a project notes for a role: in its status, and in its spec where older versions kept them. */
export function tokensOfRole(project: AppProject, role: string): readonly { id?: string; iat: number }[] {
  const entry = (project.spec.roles ?? []).find((each) => stringAt(each, "name") === role);
  // What the status still notes of a role that was taken away does not hold.
  if (!entry) return [];
  const inStatus = listAt(project, "status", "jwtTokensByRole", role, "items");
  return [...inStatus, ...listAt(entry, "jwtTokens")].filter(isObject).flatMap((token) => {
    const [id, iat] = [stringAt(token, "id"), numberAt(token, "iat")];
    return iat === undefined ? [] : [{ iat, ...(id ? { id } : {}) }];
  });
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
