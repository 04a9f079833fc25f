// REST bindings of the session service: log in, log out, who am I.
import type { FastifyInstance } from "fastify";
import { DriftlessError } from "#base/errors.ts";
import { setSessionCookie, type HttpDeps } from "../http.ts";

export function sessionRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.post("/api/v1/session", async (request, reply) => {
    const { username, password } = (request.body ?? {}) as { username?: unknown; password?: unknown };
    if (typeof username !== "string" || typeof password !== "string" || username === "" || password === "") {
      throw new DriftlessError("INVALID_ARGUMENT", "username and password are required", {
        details: { field: "username" },
      });
    }
    const token = await deps.sessions.login(username, password);
    setSessionCookie(reply, request, token);
    return { token };
  });
  app.delete("/api/v1/session", async (request, reply) => {
    if (request.account) deps.sessions.revoke(request.account);
    setSessionCookie(reply, request, "");
    return {};
  });
  app.get("/api/v1/session/userinfo", async (request) => ({
    loggedIn: request.account !== undefined,
    username: request.account?.username ?? "",
    iss: "argocd",
    groups: [],
  }));
}
