import { describe, expect, it } from "vitest";
import { authorName, bytesText, plural, splitName, shortRepository, shortRevision } from "./text.ts";
import { ago, duration } from "./time.ts";

describe("writing things short", () => {
  it.each([
    [0, "0 B"],
    [0.5, "0.5 B"],
    [1000, "1000 B"],
    [134_217_728, "128 MiB"],
    [1_610_612_736, "1.5 GiB"],
  ])("%d bytes", (bytes, expected) => expect(bytesText(bytes)).toBe(expected));
  it.each([
    ["https://github.com/a/b.git", "github.com/a/b"],
    ["git@github.com:a/b.git", "github.com:a/b"],
    ["ssh://git@host:22/a/b", "host:22/a/b"],
    ["https://user:secret@host/a.git", "host/a"],
  ])("repository %s", (url, expected) => expect(shortRepository(url)).toBe(expected));
  it.each([
    ["0123456789abcdef0123456789abcdef01234567", "0123456"],
    ["v1.2.3", "v1.2.3"],
    ["", ""],
  ])("revision %s", (revision, expected) => expect(shortRevision(revision)).toBe(expected));
  it.each([
    ["web", ["web", ""]],
    ["platform-api-7b5d76bd49-czz2l", ["platform-api-7b5d76bd49", "-czz2l"]],
  ])("name %s", (name, expected) => expect(splitName(name)).toEqual(expected));
  it("names and counts", () => {
    expect(authorName("Ann Lee <ann@example.com>")).toBe("Ann Lee");
    expect(plural(1, "line")).toBe("1 line");
    expect(plural(2000, "line")).toBe("2,000 lines");
  });
});

describe("times", () => {
  it.each([
    [0, "just now"],
    [-5000, "just now"],
    [42_000, "42 s ago"],
    [59_999, "59 s ago"],
    [60_000, "1 min ago"],
    [5 * 3_600_000, "5 h ago"],
    [3 * 86_400_000, "3 d ago"],
    [70 * 86_400_000, "2 mo ago"],
    [800 * 86_400_000, "2 y ago"],
  ])("%d ms", (ms, expected) => expect(ago(1e12, 1e12 + ms)).toBe(expected));
  it("lengths", () => expect(duration(2500)).toBe("2 s"));
});
