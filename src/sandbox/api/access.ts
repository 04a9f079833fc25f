// Who a request comes from: the cluster's own tokens, and those that it issues to service accounts. Says nothing about
// what they may do.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, numberAt, stringAt } from "#base/json.ts";

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

export const anonymous: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const issuer = "https://kubernetes.default.svc.cluster.local";

/** What the issuer of service accounts' tokens says of itself. Its key is symmetric: only the cluster can check them. */
export const openIdConfiguration = {
  issuer,
  response_types_supported: ["id_token"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["HS256"],
} as const;

interface Secrets {
  readonly adminToken: string;
  /** Signs the tokens of service accounts. */
  readonly signingKey: string;
}

export interface IssuedToken {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly expiresAtS: number;
  readonly issuedAtS: number;
  readonly id: string;
}

export class Access {
  readonly adminToken: string;
  private readonly signingKey: string;

  private constructor(secrets: Secrets) {
    this.adminToken = secrets.adminToken;
    this.signingKey = secrets.signingKey;
  }

  /** Reads the cluster's secrets from `dir`, or makes and keeps them there, readable by their owner only. */
  static open(dir: string): Access {
    const file = join(dir, "secrets.json");
    try {
      const found: unknown = JSON.parse(readFileSync(file, "utf8"));
      const adminToken = stringAt(found, "adminToken");
      const signingKey = stringAt(found, "signingKey");
      if (adminToken !== undefined && signingKey !== undefined) return new Access({ adminToken, signingKey });
    } catch {
      // The first start: made below.
    }
    const made = {
      adminToken: randomBytes(24).toString("base64url"),
      signingKey: randomBytes(32).toString("base64url"),
    };
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${JSON.stringify(made)}\n`, { mode: 0o600 });
    return new Access(made);
  }

  /** The user of an Authorization header; anonymous without one, undefined where the token is no good. */
  authenticate(authorization: string | undefined, nowMs: number): User | undefined {
    if (authorization === undefined || authorization === "") return anonymous;
    const match = /^Bearer\s+(\S+)$/i.exec(authorization);
    return match === null ? undefined : this.userOf(match[1] ?? "", nowMs);
  }

  /** The user of a token, or undefined. Whether a service account still exists is for the caller to check. */
  userOf(token: string, nowMs: number): User | undefined {
    if (sameText(token, this.adminToken)) {
      return { name: "admin", uid: "admin", groups: ["system:masters", "system:authenticated"] };
    }
    const [head = "", body = "", signature = ""] = token.split(".");
    if (signature === "" || !sameText(signature, this.sign(`${head}.${body}`))) return undefined;
    const claims = parseClaims(body);
    if (claims === undefined || claims.expiresAtS * 1000 < nowMs) return undefined;
    const { namespace, name, uid } = claims;
    return {
      name: `system:serviceaccount:${namespace}:${name}`,
      uid,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    };
  }

  /** A signed token (JWT) for a service account. */
  issue(token: IssuedToken): string {
    const { namespace, name, uid } = token;
    const claims = {
      aud: token.audiences.length > 0 ? token.audiences : [issuer],
      exp: token.expiresAtS,
      iat: token.issuedAtS,
      nbf: token.issuedAtS,
      iss: issuer,
      jti: token.id,
      sub: `system:serviceaccount:${namespace}:${name}`,
      "kubernetes.io": { namespace, serviceaccount: { name, uid } },
    };
    const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
    return `${signed}.${this.sign(signed)}`;
  }

  private sign(text: string): string {
    return createHmac("sha256", this.signingKey).update(text).digest("base64url");
  }
}

/**
 * The user whom a request stands in for by its Impersonate headers, or the user itself. Undefined where it may not:
 * only administrators may.
 */
export function impersonated(
  user: User,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): User | undefined {
  const name = headers["impersonate-user"];
  if (typeof name !== "string" || name === "") return user;
  if (!user.groups.includes("system:masters")) return undefined;
  const given = headers["impersonate-group"] ?? [];
  const groups = Array.isArray(given) ? given : given.split(",").map((each) => each.trim());
  const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name);
  const implied = account === null ? [] : ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`];
  return { name, groups: [...groups, ...implied, "system:authenticated"] };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function parseClaims(body: string) {
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(body, "base64url").toString());
  } catch {
    return undefined;
  }
  if (!isObject(claims)) return undefined;
  const own = claims["kubernetes.io"];
  const namespace = stringAt(own, "namespace");
  const name = stringAt(own, "serviceaccount", "name");
  const uid = stringAt(own, "serviceaccount", "uid");
  const expiresAtS = numberAt(claims, "exp");
  if (namespace === undefined || name === undefined || uid === undefined || expiresAtS === undefined) return undefined;
  return { namespace, name, uid, expiresAtS };
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
