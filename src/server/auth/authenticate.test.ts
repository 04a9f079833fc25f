// Who calls, by what a request carries: a header speaks for itself, a cookie only where no other site can have sent it.
import { expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { authenticate } from "./authenticate.ts";
import type { Sessions } from "./sessions.ts";

const sessions = {
  verify: async (token: string) => {
    if (token !== "good") throw new DriftlessError("UNAUTHENTICATED", "no valid session: log in");
    return { username: "ann" };
  },
  anonymous: () => undefined,
} as unknown as Sessions;

const cookie = "theme=dark; argocd.token=good";
const host = "cd.example.com";

type Case = readonly [string, Record<string, string>, "GET" | "POST", "ann" | "nobody" | "refused" | "forbidden"];
const cases: readonly Case[] = [
  ["nothing", {}, "GET", "nobody"],
  ["a bearer's token", { authorization: "Bearer good" }, "POST", "ann"],
  ["a bearer's wrong token", { authorization: "Bearer bad" }, "POST", "refused"],
  ["another scheme", { authorization: "Basic Z29vZA==" }, "GET", "nobody"],
  ["gRPC's metadata", { token: "good" }, "POST", "ann"],
  ["a token from another site", { authorization: "Bearer good", origin: "https://evil.example", host }, "POST", "ann"],
  ["a wrong token beside a good cookie", { authorization: "Bearer bad", cookie }, "GET", "refused"],
  ["a cookie", { cookie, host }, "GET", "ann"],
  ["another cookie", { cookie: "argocd.token2=good", host }, "GET", "nobody"],
  ["a cookie that has ended", { cookie: "argocd.token=bad", host }, "GET", "refused"],
  ["a cookie, reading, from another site", { cookie, host, origin: "https://evil.example" }, "GET", "ann"],
  ["a cookie, writing, from our page", { cookie, host, origin: "https://cd.example.com" }, "POST", "ann"],
  ["by HTTP/2", { cookie, ":authority": host, origin: "https://cd.example.com" }, "POST", "ann"],
  ["a cookie, writing, from another site", { cookie, host, origin: "https://evil.example" }, "POST", "forbidden"],
  ["from a sibling of ours", { cookie, host, origin: "https://other.example.com" }, "POST", "forbidden"],
  ["from another port", { cookie, host, origin: "https://cd.example.com:8443" }, "POST", "forbidden"],
  ["from a page without an origin", { cookie, host, origin: "null" }, "POST", "forbidden"],
  ["from a program", { cookie, host }, "POST", "ann"],
  ["without an origin, but from another site", { cookie, host, "sec-fetch-site": "cross-site" }, "POST", "forbidden"],
  ["without an origin, from a sibling", { cookie, host, "sec-fetch-site": "same-site" }, "POST", "forbidden"],
  ["without an origin, from our page", { cookie, host, "sec-fetch-site": "same-origin" }, "POST", "ann"],
];

it.for(cases)("%s", async ([, headers, verb, expected]) => {
  const found = await authenticate(sessions, { header: (name) => headers[name], writes: verb !== "GET" }).then(
    (account) => account?.username ?? "nobody",
    (thrown: DriftlessError) => (thrown.code === "UNAUTHENTICATED" ? "refused" : "forbidden"),
  );
  expect(found).toBe(expected);
});
