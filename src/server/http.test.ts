// What every route shares: who is let in whatever way a path is written, the session's cookie, headers, metrics.
import { afterEach, beforeEach, expect, it } from "vitest";
import type { FastifyInstance } from "fastify";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger } from "#base/operation.ts";
import type { Account } from "./auth/account.ts";
import { createHttp, setSessionCookie, watchRoutes, type HttpDeps } from "./http.ts";

let app: FastifyInstance;
let readsAll: boolean;

beforeEach(async () => {
  readsAll = true;
  const deps = {
    log: silentLogger,
    metrics: { scrape: async () => ({ contentType: "text/plain", text: "argocd_app_info 1" }) },
    sessions: {
      verify: async (token: string) => {
        if (token !== "good") throw new DriftlessError("UNAUTHENTICATED", "no valid session: log in");
        return { username: "ann" } as Account;
      },
      anonymous: () => undefined,
    },
    stopping: new AbortController().signal,
    ready: () => true,
    settings: () => ({ frameOptions: undefined, contentSecurityPolicy: undefined }),
    mayScrape: (account: Account | undefined) => account !== undefined && readsAll,
  } as unknown as HttpDeps;
  app = await createHttp(deps);
  watchRoutes(app, deps);
  app.get("/api/v1/secret/:name", async ({ account }) => `for ${account?.username}`);
  app.get("/login", async (request, reply) => {
    setSessionCookie(reply, request, (request.query as { token: string }).token);
    return {};
  });
});
afterEach(async () => {
  await app.close();
});

it.for([
  "/api/v1/secret/a",
  "/%61pi/v1/secret/a",
  "/api%2Fv1/secret/a",
  "/api/v1/%73ecret/a",
  "/api/v1/secret/a?x=/healthz",
  "/api/v1/secret/%2e%2e%2f%2e%2e%2fhealthz",
  "//api/v1/secret/a",
  "/./api/v1/secret/a",
])("lets nobody in without a session by %s", async (url) => {
  const answer = await app.inject({ url });
  expect(answer.body).not.toContain("for ");
  expect([401, 404]).toContain(answer.statusCode);
});

it("lets in who has a session, however the path is written", async () => {
  for (const url of ["/api/v1/secret/a", "/%61pi/v1/secret/a"]) {
    const { body } = await app.inject({ url, headers: { authorization: "Bearer good" } });
    expect([url, body]).toEqual([url, "for ann"]);
  }
});

it("answers metrics to who may read everything, and to nobody else", async () => {
  const scrape = async (token?: string): Promise<number> =>
    (await app.inject({ url: "/metrics", ...(token ? { headers: { authorization: `Bearer ${token}` } } : {}) }))
      .statusCode;
  expect([await scrape(), await scrape("bad"), await scrape("good")]).toEqual([401, 401, 200]);
  readsAll = false;
  expect(await scrape("good")).toBe(403);
  expect((await app.inject({ url: "/healthz" })).body).toBe("ok");
});

it.for([
  ["in clear text", {}, "t", "argocd.token=t; Path=/; HttpOnly; SameSite=Lax"],
  [
    "behind a proxy that speaks TLS",
    { "x-forwarded-proto": "https" },
    "t",
    "argocd.token=t; Path=/; HttpOnly; SameSite=Lax; Secure",
  ],
  ["that ends", {}, "", "argocd.token=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"],
] as const)("keeps a session's cookie from scripts and other sites: %s", async ([, headers, token, cookie]) => {
  const answer = await app.inject({ url: `/login?token=${token}`, headers });
  expect(answer.headers["set-cookie"]).toBe(cookie);
});

it.for(["/healthz", "/nothing", "/api/v1/secret/a"])(
  "has its headers on every answer, refusals too: %s",
  async (url) => {
    const { headers } = await app.inject({ url });
    expect(headers).toMatchObject({ "x-frame-options": "SAMEORIGIN", "x-content-type-options": "nosniff" });
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'self'");
  },
);
