// Local accounts: `admin` and those of `argocd-cm`, with passwords and tokens in `argocd-secret`, as Argo CD keeps them.
// Knows nothing of sessions or permissions. Source: Argo CD's "User Management".
import { compare, hash } from "bcryptjs";
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { rfc3339, type Clock } from "#base/ports.ts";
import type { Settings } from "#model/settings.ts";
import { changeSecret, type SecretData, type SecretDeps } from "./secret.ts";

export interface AccountToken {
  readonly id: string;
  /** Seconds since 1970. */
  readonly iat: number;
  /** Seconds since 1970; undefined: it does not expire. */
  readonly exp?: number;
}

export interface LocalAccount {
  readonly name: string;
  readonly enabled: boolean;
  readonly capabilities: readonly ("login" | "apiKey")[];
  /** bcrypt. */
  readonly passwordHash: string;
  /** Tokens from before this second count no longer. */
  readonly passwordChangedMs: number;
  readonly tokens: readonly AccountToken[];
}

export interface AccountsDeps extends SecretDeps {
  readonly clock: Clock;
  settings(): Pick<Settings, "accounts" | "adminEnabled" | "passwordPattern">;
  /** Data of `argocd-secret` as it is now. */
  secret(): SecretData;
  /** Told what stands in `argocd-secret` after a change of ours. */
  changed(data: SecretData): void;
}

export const secretName = "argocd-secret";
const cost = 10;
/** Compared with where there is no account, so that the time taken tells nothing. */
const nobody = "$2b$10$/MTPUOlDhEnIeZdGyfzBc.nOkDjX1ULBjPINu84beTrDQjkq8tSly";

export class Accounts {
  readonly #deps: AccountsDeps;

  constructor(deps: AccountsDeps) {
    this.#deps = deps;
  }

  /** All accounts, by name. */
  list(): readonly LocalAccount[] {
    const { accounts, adminEnabled } = this.#deps.settings();
    const configured = accounts.filter(({ name }) => name !== "admin");
    const admin = accounts.find(({ name }) => name === "admin");
    const all = [
      {
        name: "admin",
        enabled: adminEnabled && admin?.enabled !== false,
        capabilities: ["login", ...(admin?.capabilities ?? []).filter((one) => one !== "login")] as const,
      },
      ...configured,
    ];
    const secret = this.#deps.secret();
    return all
      .map((account) => ({ ...account, ...kept(secret, account.name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Error: NOT_FOUND. */
  get(name: string): LocalAccount {
    const found = this.list().find((account) => account.name === name);
    if (!found) throw new DriftlessError("NOT_FOUND", `account '${name}' does not exist`);
    return found;
  }

  /** Whether the password is the account's; false also for what does not exist or may not log in. */
  async accepts(name: string, password: string): Promise<boolean> {
    const found = this.list().find((account) => account.name === name);
    const usable =
      found !== undefined && found.enabled && found.capabilities.includes("login") && found.passwordHash !== "";
    const right = await compare(password, usable ? found.passwordHash : nobody);
    return usable && right;
  }

  /** Sets a password. Errors: NOT_FOUND, INVALID_ARGUMENT where it does not match `passwordPattern`. */
  async setPassword(op: Op, name: string, password: string): Promise<void> {
    this.get(name);
    const { passwordPattern } = this.#deps.settings();
    if (!new RegExp(passwordPattern, "u").test(password)) {
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `new password does not match the following expression: ${passwordPattern}`,
        {
          details: { field: "newPassword" },
        },
      );
    }
    const hashed = await hash(password, cost);
    await this.#change(op, () => ({
      [key(name, "password")]: hashed,
      [key(name, "passwordMtime")]: rfc3339(this.#deps.clock.now()),
    }));
  }

  /** Notes a new token. Errors: NOT_FOUND, FAILED_PRECONDITION without the capability, ALREADY_EXISTS for the id. */
  async addToken(op: Op, name: string, token: AccountToken): Promise<void> {
    const account = this.get(name);
    if (!account.capabilities.includes("apiKey")) {
      throw new DriftlessError("FAILED_PRECONDITION", `account '${name}' does not have apiKey capability`);
    }
    await this.#changeTokens(op, name, (tokens) => {
      if (tokens.some(({ id }) => id === token.id)) {
        throw new DriftlessError("ALREADY_EXISTS", `account already has token with id '${token.id}'`);
      }
      return [...tokens, token];
    });
  }

  /** Takes a token's validity away. Errors: NOT_FOUND for the account or the token. */
  async removeToken(op: Op, name: string, id: string): Promise<void> {
    this.get(name);
    await this.#changeTokens(op, name, (tokens) => {
      if (!tokens.some((token) => token.id === id)) {
        throw new DriftlessError("NOT_FOUND", `account '${name}' has no token with id '${id}'`);
      }
      return tokens.filter((token) => token.id !== id);
    });
  }

  #changeTokens(
    op: Op,
    name: string,
    change: (tokens: readonly AccountToken[]) => readonly AccountToken[],
  ): Promise<void> {
    return this.#change(op, (data) => ({
      [key(name, "tokens")]: JSON.stringify(change(tokensOf(data[key(name, "tokens")]))),
    }));
  }

  async #change(op: Op, change: (data: SecretData) => Record<string, string>): Promise<void> {
    this.#deps.changed(await changeSecret(op, this.#deps, secretName, change));
  }
}

/** Where `argocd-secret` keeps a part of an account. */
function key(name: string, part: "password" | "passwordMtime" | "tokens"): string {
  return name === "admin" ? `admin.${part}` : `accounts.${name}.${part}`;
}

function kept(secret: SecretData, name: string): Pick<LocalAccount, "passwordHash" | "passwordChangedMs" | "tokens"> {
  return {
    passwordHash: secret[key(name, "password")] ?? "",
    passwordChangedMs: Date.parse(secret[key(name, "passwordMtime")] ?? "") || 0,
    tokens: tokensOf(secret[key(name, "tokens")]),
  };
}

function tokensOf(text: string | undefined): readonly AccountToken[] {
  if (!text) return [];
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return [];
    return parsed
      .filter(isObject)
      .flatMap(({ id, iat, exp }) =>
        typeof id === "string" && typeof iat === "number"
          ? [{ id, iat, ...(typeof exp === "number" && exp > 0 ? { exp } : {}) }]
          : [],
      );
  } catch {
    return [];
  }
}
