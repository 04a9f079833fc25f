import { expect, it } from "vitest";
import { securityHeaders } from "./security-headers.ts";

const none = { frameOptions: undefined, contentSecurityPolicy: undefined };

it("keeps other sites from framing the page and scripts of others out of it, unless told", () => {
  expect(securityHeaders(none)).toMatchObject({
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "content-security-policy": expect.stringMatching(/default-src 'self';.*frame-ancestors 'self'/),
  });
});

it("sends what is set, and nothing where nothing is to be sent", () => {
  expect(securityHeaders({ ...none, frameOptions: "DENY" })["x-frame-options"]).toBe("DENY");
  expect(securityHeaders({ frameOptions: "", contentSecurityPolicy: "" })).toEqual({
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
  });
});

it("changes only the directives that are named", () => {
  const { "content-security-policy": policy } = securityHeaders({
    ...none,
    contentSecurityPolicy: "Frame-Ancestors 'self' https://portal.example.com; connect-src https://x",
  });
  expect(policy).toContain("Frame-Ancestors 'self' https://portal.example.com");
  expect(policy).not.toContain("frame-ancestors 'self'");
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("connect-src https://x");
});
