// The way of a browser into a server that is for one caller: a link with the token, which becomes the session's cookie and
// leads on to the page. Only such servers have it.
import { timingSafeEqual } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { DriftlessError } from "#base/errors.ts";
import { cookieName } from "./authenticate.ts";

export const entrancePath = "/auth/enter";

export function entrance(http: FastifyInstance, token: string): void {
  http.get<{ Querystring: { readonly token?: unknown } }>(entrancePath, (request, reply) => {
    const given = request.query.token;
    if (typeof given !== "string" || !same(given, token))
      throw new DriftlessError("UNAUTHENTICATED", "the link is of another run: take the one that the command printed");
    // Not Strict: a browser would not send it along where the link was opened from another program's page.
    reply.header("set-cookie", `${cookieName}=${token}; Path=/; HttpOnly; SameSite=Lax`);
    return reply.header("cache-control", "no-store").header("referrer-policy", "no-referrer").redirect("/");
  });
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
