import { randomBytes } from "node:crypto";
import { decodeJwt, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { DriftlessError } from "#base/errors.ts";
import { fakeClock, type FakeClock } from "#base/testing/fake-clock.ts";
import { applyMergePatch } from "#core/merge/merge-patch.ts";
import type { KubeClient } from "#kube/types.ts";
import type { AppProject } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Settings } from "#model/settings.ts";
import { Sessions } from "./sessions.ts";

const op = { signal: new AbortController().signal, log: silentLogger };

/** Secrets in memory, with versions as a server keeps them. */
function cluster() {
  const secrets = new Map<string, KubernetesObject>();
  let version = 0;
  const stamped = (object: KubernetesObject): KubernetesObject => ({
    ...object,
    metadata: { ...object.metadata, resourceVersion: String(++version) },
  });
  const control = {
    get: (_op: unknown, _type: unknown, ref: { name: string }) => Promise.resolve(secrets.get(ref.name)),
    create: (_op: unknown, _type: unknown, object: KubernetesObject) => {
      secrets.set(object.metadata.name!, stamped(object));
      return Promise.resolve(secrets.get(object.metadata.name!)!);
    },
    patch: (_op: unknown, _type: unknown, ref: { name: string }, { body }: { body: unknown }) => {
      const known = secrets.get(ref.name)!;
      const wanted = (body as KubernetesObject).metadata.resourceVersion;
      if (wanted !== known.metadata.resourceVersion) return Promise.reject(new DriftlessError("CONFLICT", "changed"));
      secrets.set(ref.name, stamped(applyMergePatch(known as never, body as never) as unknown as KubernetesObject));
      return Promise.resolve(secrets.get(ref.name)!);
    },
  } as unknown as KubeClient;
  return { secrets, control };
}

const usual = {
  accounts: [
    { name: "ci", enabled: true, capabilities: ["apiKey"] },
    { name: "alice", enabled: true, capabilities: ["login", "apiKey"] },
    { name: "gone", enabled: false, capabilities: ["login", "apiKey"] },
  ],
  adminEnabled: true,
  anonymousEnabled: false,
  passwordPattern: "^.{8,32}$",
  sessionMs: 24 * 3600_000,
} as const;

interface Changed {
  settings?: Partial<Settings>;
  project?: AppProject;
}

function sessionsOn(control: KubeClient, clock: FakeClock, changed: Changed = {}): Sessions {
  return new Sessions({
    control,
    namespace: "argocd",
    clock,
    settings: () => ({ ...usual, ...changed.settings }),
    project: (name) => (changed.project?.metadata.name === name ? changed.project : undefined),
    randomBytes: (count) => randomBytes(count),
  });
}

async function started(changed: Changed = {}) {
  const { secrets, control } = cluster();
  const clock = fakeClock();
  const sessions = sessionsOn(control, clock, changed);
  await sessions.start(op);
  const password = (await sessions.initialPassword(op))!;
  return { secrets, control, clock, sessions, password, changed };
}

describe("Sessions", () => {
  let world: Awaited<ReturnType<typeof started>>;
  beforeAll(async () => {
    world = await started();
  });

  it("makes a password of 16 letters and digits, kept as a hash", () => {
    expect(world.password).toMatch(/^[A-Za-z0-9]{16}$/);
    expect(JSON.stringify(world.secrets.get("argocd-secret"))).not.toContain(world.password);
  });

  it("takes the password, and keeps it over a restart", async () => {
    const { control, clock, password } = world;
    const again = sessionsOn(control, clock);
    await again.start(op);
    const token = await again.login("admin", password);
    expect(await again.verify(token)).toMatchObject({ username: "admin", kind: "local" });
  });

  it("refuses a wrong password and an unknown name with the same words", async () => {
    const { sessions } = await started();
    await expect(sessions.login("admin", "wrong")).rejects.toThrow("Invalid username or password");
    await expect(sessions.login("nobody", "wrong")).rejects.toThrow("Invalid username or password");
  });

  it("refuses even the right password after too many wrong ones, for a while", async () => {
    const { sessions, clock, password } = await started();
    for (let i = 0; i < 5; i++) await expect(sessions.login("admin", "wrong")).rejects.toThrow("Invalid");
    await expect(sessions.login("admin", password)).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
    await clock.advance(301_000);
    await expect(sessions.login("admin", password)).resolves.toBeTypeOf("string");
  });

  it("ends a session by time and by logging out", async () => {
    const { sessions, clock, password } = await started();
    const token = await sessions.login("admin", password);
    const other = await sessions.login("admin", password);
    await sessions.revoke(op, await sessions.verify(other));
    await expect(sessions.verify(other)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(sessions.verify(token)).resolves.toBeDefined();
    await clock.advance(25 * 3600_000);
    await expect(sessions.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("refuses forged tokens: no signature, another key, another issuer, no expiry", async () => {
    const { sessions } = world;
    const now = Math.floor(world.clock.now() / 1000);
    const forge = (change: (jwt: SignJWT) => SignJWT): Promise<string> =>
      change(
        new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setSubject("admin:login").setJti("x").setIssuedAt(now),
      ).sign(new Uint8Array(32));
    const none = `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ iss: "argocd", sub: "admin:login", exp: now + 60, iat: now, jti: "x" }))}.`;
    const tokens = [
      "",
      "x.y.z",
      none,
      await forge((jwt) => jwt.setIssuer("argocd").setExpirationTime(now + 60)),
      await forge((jwt) => jwt.setIssuer("other").setExpirationTime(now + 60)),
      await forge((jwt) => jwt.setIssuer("argocd")),
    ];
    for (const token of tokens) await expect(sessions.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it.for([
    ["nobody, as Argo CD's", undefined, true],
    ["us", "argocd", true],
    ["us among others", ["other", "argocd"], true],
    ["somebody else", "other", false],
    ["several others", ["a", "b"], false],
    ["nobody at all", [], false],
    ["what is no name", 7, false],
  ] as const)("looks whom a token is for: %s", async ([, aud, counts]) => {
    const { sessions, secrets, clock } = await started();
    const key = Buffer.from(
      (secrets.get("argocd-secret")!["data"] as Record<string, string>)["server.secretkey"]!,
      "base64",
    );
    const now = Math.floor(clock.now() / 1000);
    const claims = {
      iss: "argocd",
      sub: "admin:login",
      iat: now,
      exp: now + 60,
      jti: "x",
      ...(aud === undefined ? {} : { aud }),
    };
    const token = await new SignJWT(claims as never).setProtectedHeader({ alg: "HS256" }).sign(key);
    const verdict = await sessions.verify(token).then(
      ({ username }) => username,
      ({ code }: DriftlessError) => code,
    );
    expect(verdict).toBe(counts ? "admin" : "UNAUTHENTICATED");
  });

  it("says whom its own tokens are for", async () => {
    const { sessions, password } = await started();
    const project = await sessions.signProjectToken("p", "ci", { id: "one", iat: 1, expiresInS: 0 });
    const tokens = [
      await sessions.login("admin", password),
      await sessions.createToken(op, "ci", { expiresInS: 0 }),
      project,
    ];
    expect(tokens.map((token) => decodeJwt(token).aud)).toEqual(["argocd", "argocd", "argocd"]);
  });

  it("a session that was ended stays ended after a restart, and on other replicas", async () => {
    const { sessions, control, clock, password } = await started();
    const token = await sessions.login("admin", password);
    await sessions.revoke(op, await sessions.verify(token));
    const again = sessionsOn(control, clock);
    await again.start(op);
    await expect(again.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("a new password ends the sessions of the old one", async () => {
    const { sessions, clock, password } = await started();
    const token = await sessions.login("admin", password);
    await clock.advance(5000);
    await sessions.accounts.setPassword(op, "admin", "another-one");
    await expect(sessions.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(sessions.login("admin", password)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(sessions.login("admin", "another-one")).resolves.toBeTypeOf("string");
  });

  it("a password must match the pattern", async () => {
    const { sessions } = world;
    await expect(sessions.accounts.setPassword(op, "alice", "short")).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it("disabled accounts, and those without the capability, neither log in nor keep tokens", async () => {
    const world = await started();
    const { sessions, changed } = world;
    await sessions.accounts.setPassword(op, "gone", "long-enough");
    await sessions.accounts.setPassword(op, "ci", "long-enough");
    for (const name of ["gone", "ci"]) await expect(sessions.login(name, "long-enough")).rejects.toThrow("Invalid");
    const token = await sessions.createToken(op, "ci", { expiresInS: 0 });
    expect(await sessions.verify(token)).toMatchObject({ username: "ci", kind: "local" });
    changed.settings = { accounts: [{ name: "ci", enabled: false, capabilities: ["apiKey"] }] };
    await expect(sessions.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    changed.settings = { adminEnabled: false };
    await expect(sessions.login("admin", world.password)).rejects.toThrow("Invalid");
  });

  it("tokens of accounts hold until they are taken away or expire", async () => {
    const { sessions, clock } = await started();
    const kept = await sessions.createToken(op, "ci", { id: "kept", expiresInS: 0 });
    const short = await sessions.createToken(op, "ci", { id: "short", expiresInS: 60 });
    await expect(sessions.createToken(op, "ci", { id: "kept", expiresInS: 0 })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    await expect(sessions.createToken(op, "admin", { expiresInS: 0 })).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
    });
    await clock.advance(61_000);
    await expect(sessions.verify(short)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await sessions.verify(kept);
    await sessions.accounts.removeToken(op, "ci", "kept");
    await expect(sessions.verify(kept)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("tokens of projects hold while the project notes them", async () => {
    const changed: Changed = {};
    const { sessions, clock } = await started(changed);
    const iat = Math.floor(clock.now() / 1000);
    const token = await sessions.signProjectToken("p", "ci", { id: "one", iat, expiresInS: 0 });
    await expect(sessions.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    const noted = { jwtTokensByRole: { ci: { items: [{ iat, id: "one" }] } } };
    const holding = (roles: readonly object[]): AppProject =>
      ({ metadata: { name: "p" }, spec: { roles }, status: noted }) as unknown as AppProject;
    changed.project = holding([{ name: "ci" }]);
    expect(await sessions.verify(token)).toMatchObject({ username: "proj:p:ci", project: { name: "p", role: "ci" } });
    changed.project = holding([]);
    await expect(sessions.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("nobody is anonymous unless the settings say so", async () => {
    expect(world.sessions.anonymous()).toBeUndefined();
    expect((await started({ settings: { anonymousEnabled: true } })).sessions.anonymous()).toMatchObject({
      username: "",
    });
  });

  it("many failures from one address stop it, whatever names it tries", async () => {
    const { sessions } = await started();
    for (let i = 0; i < 50; i++) await sessions.login(`name-${i}`, "wrong", "10.0.0.1").catch(() => {});
    await expect(sessions.login("other", "wrong", "10.0.0.1")).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
    await expect(sessions.login("other", "wrong", "10.0.0.2")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});
