import { describe, expect, it } from "vitest";
import { findRef, highestTag } from "./refs.ts";

const tags = [
  "v0.9.0",
  "v1.0.0",
  "1.1.0",
  "v1.2.0-rc.1",
  "v1.2.0-rc.2",
  "v1.2.0",
  "v1.3.0-alpha",
  "v2.0.0-rc.1",
  "latest",
  "v2",
];

describe("a range of versions", () => {
  it.each<[string, string | undefined]>([
    ["*", "v2"],
    ["1.x", "v1.2.0"],
    ["^1.0.0", "v1.2.0"],
    ["~1.1", "1.1.0"],
    [">=1.0.0 <1.2.0", "1.1.0"],
    [">=1.0.0, <1.2.0", "1.1.0"],
    ["1.0.0 - 1.1.5", "1.1.0"],
    // Prereleases count only where the range names one.
    [">1.2.0 <2.0.0", undefined],
    [">1.2.0-0 <2.0.0-0", "v1.3.0-alpha"],
    ["~1.2.0-rc.0", "v1.2.0"],
    [">=1.3.0-alpha <2.0.0", "v2.0.0-rc.1"],
    ["0.x || >=1.3.0-0 <1.4.0", "v1.3.0-alpha"],
    ["<1.0.0 || ~1.2.0-rc.0 || >5", "v1.2.0"],
    [">=1.2.5 <1.9.0 || <0.1.0-0", undefined],
    ["3.x", undefined],
    ["main", undefined],
  ])("%s is %s", (range, expected) => expect(highestTag(range, tags)).toBe(expected));
});

describe("what a revision means", () => {
  const refs = new Map(
    [
      "refs/heads/main",
      "refs/heads/1.x",
      "refs/heads/both",
      "refs/tags/both",
      "refs/tags/v1.0.0",
      "refs/pull/7/head",
    ].map((ref) => [ref, "0".repeat(40)]),
  );
  it.each<[string, string | undefined]>([
    ["", "refs/heads/main"],
    ["HEAD", "refs/heads/main"],
    ["main", "refs/heads/main"],
    ["refs/heads/main", "refs/heads/main"],
    ["heads/main", "refs/heads/main"],
    ["refs/pull/7/head", "refs/pull/7/head"],
    // A branch is before a tag, and a name before a range.
    ["both", "refs/heads/both"],
    ["tags/both", "refs/tags/both"],
    ["1.x", "refs/heads/1.x"],
    ["1.0.x", "refs/tags/v1.0.0"],
    ["gone", undefined],
    ["refs/heads/gone", undefined],
  ])("%j is %s", (revision, expected) => expect(findRef(revision, refs, "refs/heads/main")).toBe(expected));
});
