import { describe, expect, test } from "vitest";
import { claimsOf, lifetime } from "./tokens.ts";

describe("how long a token lasts", () => {
  test.each([
    ["0s", 0],
    ["", 0],
    ["12h", 43_200],
    ["7d", 604_800],
    ["1d12h30m", 131_400],
    ["1500ms", 1],
  ])("%s", (text, seconds) => {
    expect(lifetime(text)).toBe(seconds);
  });

  test.each(["7", "d", "-1h", "1h7d", "soon"])("%s is refused", (text) => {
    expect(() => lifetime(text)).toThrow(/--expires-in takes a duration/);
  });
});

describe("what a token says of itself", () => {
  const tokenOf = (payload: unknown): string => `x.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.y`;

  test("its claims, and nothing for those that are missing or of another type", () => {
    expect(claimsOf(tokenOf({ jti: "a", sub: "proj:p:r", iss: "argocd", iat: 5.5 }))).toEqual({
      jti: "a",
      sub: "proj:p:r",
      iss: "argocd",
      iat: 5,
      exp: 0,
    });
    expect(claimsOf(tokenOf({ jti: 1, exp: "x" }))).toMatchObject({ jti: "", exp: 0 });
  });

  test.each(["", "abc", "a.b.c", tokenOf([1]), tokenOf(null)])("%j is malformed", (token) => {
    expect(() => claimsOf(token)).toThrow(/malformed/);
  });
});
