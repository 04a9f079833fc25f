import { expect, it } from "vitest";
import { isRedacted, redactUrls } from "./redact.ts";

it.for([
  ["https://user:pass@git.example.com/a.git", "https://***@git.example.com/a.git"],
  ["https://token@git.example.com/a.git", "https://***@git.example.com/a.git"],
  ["https://us@er:p@ss@git.example.com/a", "https://***@git.example.com/a"],
  ["git clone 'https://a:b@x/y' and oci://c:d@z/w failed", "git clone 'https://***@x/y' and oci://***@z/w failed"],
  ["HTTPS://a:b@x", "HTTPS://***@x"],
  ["ssh://git@github.com/a", "ssh://git@github.com/a"],
  ["ssh://git:word@github.com/a", "ssh://***@github.com/a"],
  ["socks5://a:b@proxy:1080", "socks5://***@proxy:1080"],
  ["git@github.com:org/repo", "git@github.com:org/repo"],
  ["https://host/path@v1 mail@example.com", "https://host/path@v1 mail@example.com"],
  ["https://user:pa#s?s@host/a", "https://***@host/a"],
  ["a://b://c:d@e", "a://b://***@e"],
  ["://a:b@c", "://***@c"],
  ["none", "none"],
] as const)("hides who a URL speaks for: %s", ([text, clean]) => {
  expect(redactUrls(text)).toBe(clean);
  expect(redactUrls(clean)).toBe(clean);
});

it("takes time in proportion to the text", () => {
  const text = `${"a".repeat(200_000)}@${"://".repeat(200_000)}`;
  const before = performance.now();
  redactUrls(text);
  redactUrls("x://@".repeat(100_000));
  expect(performance.now() - before).toBeLessThan(2000);
});

it("knows what it made", () => {
  expect([isRedacted("https://***@host/a"), isRedacted("https://host/a")]).toEqual([true, false]);
});
