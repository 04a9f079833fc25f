import { describe, expect, it } from "vitest";
import { mountName, mountOf, splitMounted, type Mount } from "./mounts.ts";
import { isFileUrl, parseRemoteBase } from "./remote-base.ts";
import { parseGitmodules, submoduleUrl } from "./submodules.ts";

describe("URLs of Kustomize", () => {
  it.each<[string, string | undefined]>([
    ["https://github.com/org/repo", "https://github.com/org/repo |  | "],
    ["https://github.com/org/repo/deploy/base?ref=v1", "https://github.com/org/repo | deploy/base | v1"],
    ["github.com/org/repo//deploy?ref=main", "https://github.com/org/repo | deploy | main"],
    ["git@github.com:org/repo//deploy", "git@github.com:org/repo | deploy | "],
    ["git@github.com:org/repo.git/deploy?ref=a/b", "git@github.com:org/repo.git | deploy | a/b"],
    ["ssh://git@github.com/org/repo//x", "git@github.com:org/repo | x | "],
    [
      "https://git.example.com/group/sub/repo.git//a/b?version=2",
      "https://git.example.com/group/sub/repo.git | a/b | 2",
    ],
    ["https://git.example.com/group/sub/repo//a/b/", "https://git.example.com/group/sub/repo | a/b | "],
    ["https://dev.azure.com/org/project/_git/repo/a/b", "https://dev.azure.com/org/project/_git/repo | a/b | "],
    ["ssh://git@git.example.com:2222/org/repo.git/x?ref=r", "ssh://git@git.example.com:2222/org/repo.git | x | r"],
    ["git::https://git.example.com/org/repo//x", "https://git.example.com/org/repo | x | "],
    ["file:///srv/repo.git//x", "file:///srv/repo.git | x | "],
    ["https://git.example.com/org/repo//../out", undefined],
    ["https://git.example.com/alone", undefined],
    ["../base", undefined],
    ["deploy/base", undefined],
  ])("%s", (written, expected) => {
    const base = parseRemoteBase(written);
    expect(base && `${base.url} | ${base.path} | ${base.revision}`).toBe(expected);
  });

  it("say whether submodules belong to them", () => {
    const of = (query: string) => parseRemoteBase(`https://github.com/o/r?${query}`)?.submodules;
    expect([of(""), of("submodules=true"), of("ref=a&submodules=0"), of("submodules=false")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it.each([
    ["https://example.com/install.yaml", true],
    ["https://example.com/a/b.json?x=y", true],
    ["https://github.com/org/repo//a.yaml?ref=main", false],
    ["https://github.com/org/repo.git/a.yaml", false],
    ["https://github.com/org/repo", false],
    ["git@example.com:a/b.yaml", false],
  ])("%s names a file: %s", (written, expected) => expect(isFileUrl(written)).toBe(expected));
});

describe("submodules", () => {
  it("are read from .gitmodules, whatever its style", () => {
    const text = `
# a comment
[submodule "a"]
	path = libs/a/
	url = https://example.com/a.git ; why
[submodule "b"]
  Path="with space"
  URL = "../b \\"quoted\\".git"
  branch = main
[submodule "option"]
	path = c
	url = -oProxyCommand=evil
[submodule "half"]
	path = d
[core]
	bare = true
`;
    expect([...parseGitmodules(text)]).toEqual([
      ["libs/a", "https://example.com/a.git"],
      ["with space", '../b "quoted".git'],
    ]);
  });

  it.each([
    ["https://host/org/repo.git", "../lib.git", "https://host/org/lib.git"],
    ["https://host/org/repo.git/", "../../other/lib", "https://host/other/lib"],
    ["https://host/org/repo.git", "./lib", "https://host/org/repo.git/lib"],
    ["git@host:org/repo.git", "../lib.git", "git@host:org/lib.git"],
    ["git@host:repo.git", "../lib.git", "git@host:lib.git"],
    ["ssh://git@host:22/org/repo", "../lib", "ssh://git@host:22/org/lib"],
    ["https://host/repo", "https://other/lib", "https://other/lib"],
    ["file:///srv/a.git", "../b.git", "file:///srv/b.git"],
  ])("of %s, %s is %s", (parent, written, expected) => expect(submoduleUrl(parent, written)).toBe(expected));
});

describe("names of mounts", () => {
  it.each<Mount>([
    { kind: "git", url: "https://host/org/repo//?x=1", revision: "a/b", submodules: true },
    { kind: "git", url: "u", revision: "", submodules: false },
    { kind: "file", url: "https://host/ä.yaml" },
    { kind: "chart", repo: "oci://host/x", name: "web", version: "^1" },
  ])("say what they are: %j", (mount) => {
    expect(mountOf(mountName(mount))).toEqual(mount);
    expect(splitMounted(`${mountName(mount)}/a/b`)).toEqual({ mount, path: "a/b" });
    expect(splitMounted("a/b")).toBeUndefined();
  });
});
