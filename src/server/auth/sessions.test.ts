import { randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import type { KubeClient } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { Sessions } from "./sessions.ts";

const op = { signal: new AbortController().signal, log: silentLogger };

/** Secrets in memory. */
function cluster() {
  const secrets = new Map<string, KubernetesObject>();
  const control = {
    get: (_op: unknown, _type: unknown, ref: { name: string }) => Promise.resolve(secrets.get(ref.name)),
    create: (_op: unknown, _type: unknown, object: KubernetesObject) => {
      secrets.set(object.metadata.name!, object);
      return Promise.resolve(object);
    },
  } as unknown as KubeClient;
  return { secrets, control };
}

async function started() {
  const { secrets, control } = cluster();
  const clock = fakeClock();
  const sessions = new Sessions({ control, namespace: "argocd", clock, randomBytes: (count) => randomBytes(count) });
  await sessions.start(op);
  const password = (await sessions.initialPassword(op))!;
  return { secrets, control, clock, sessions, password };
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
    const again = new Sessions({ control, namespace: "argocd", clock, randomBytes: (count) => randomBytes(count) });
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
    sessions.revoke(await sessions.verify(other));
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
});
