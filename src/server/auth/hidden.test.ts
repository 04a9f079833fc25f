import { describe, expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { Account } from "./account.ts";
import { requireFound } from "./hidden.ts";
import type { Rbac } from "./rbac.ts";

const account = { username: "alice", groups: [] } as unknown as Account;

/** What the account may: `resource action object`. */
const rbac = (...allowed: string[]): Rbac =>
  ({ may: (_who: unknown, ...asked: string[]) => allowed.includes(asked.join(" ")) }) as unknown as Rbac;

const ask = (may: Rbac, there: boolean, seenBy?: "applications"): string => {
  try {
    return requireFound(may, account, {
      resource: "logs",
      action: "update",
      ...(seenBy ? { seenBy } : {}),
      all: "*",
      find: () => {
        if (there) return "team/shop";
        throw new DriftlessError("NOT_FOUND", "shop not found");
      },
      objectOf: (found) => found,
    });
  } catch (thrown) {
    const { code, message } = thrown as DriftlessError;
    return `${code}: ${message}`;
  }
};

describe("what is asked for by name", () => {
  const nothing = "PERMISSION_DENIED: permission denied";
  test.each([
    ["the right to it", ["logs update team/shop"], true, "team/shop"],
    [
      "the right to see it alone",
      ["logs get team/shop"],
      true,
      "PERMISSION_DENIED: permission denied: logs, update, team/shop, sub: alice",
    ],
    ["no right", [], true, nothing],
    ["no right, and it is not there", [], false, nothing],
    ["the right to see others, and it is not there", ["logs get team/other"], false, nothing],
    ["the right to see all, and it is not there", ["logs get *"], false, "NOT_FOUND: shop not found"],
  ])("with %s", (_, allowed, there, answer) => {
    expect(ask(rbac(...allowed), there)).toBe(answer);
  });

  test("where another resource lets one see it", () => {
    expect(ask(rbac("applications get team/shop"), true, "applications")).toContain("logs, update, team/shop");
    expect(ask(rbac("logs get team/shop"), true, "applications")).toBe(nothing);
    expect(ask(rbac("applications get *"), false, "applications")).toBe("NOT_FOUND: shop not found");
  });

  test("another error than its absence is told as it is", () => {
    const broken = { resource: "logs", action: "get", all: "*", objectOf: String } as const;
    const find = (): never => {
      throw new DriftlessError("INVALID_ARGUMENT", "no such thing as that name");
    };
    expect(() => requireFound(rbac(), account, { ...broken, find })).toThrow("no such thing");
  });
});
