import { describe, expect, it } from "vitest";
import { checkUrl, hostAndPath, normalizeUrl, redact, sameRepository, splitCredentials } from "./urls.ts";

describe("repository URLs", () => {
  const same: [string, string, boolean][] = [
    ["https://GitHub.com/Org/Repo.git", "https://github.com/org/repo", true],
    ["https://github.com/org/repo/", "https://github.com/org/repo", true],
    ["https://github.com:443/org/repo", "https://github.com/org/repo", true],
    ["https://github.com:8443/org/repo", "https://github.com/org/repo", false],
    ["git@github.com:org/repo.git", "ssh://git@github.com/org/repo", true],
    ["ssh://git@host:22/org/repo", "git@host:org/repo", true],
    ["ssh://git@host:2222/org/repo", "git@host:org/repo", false],
    ["https://user:pw@github.com/org/repo", "https://github.com/org/repo", true],
    ["https://github.com/org/repo", "http://github.com/org/repo", false],
    ["https://github.com/org/repo", "https://github.com/org/repo2", false],
    ["file:///srv/a.git", "file:///srv/a", true],
    ["/srv/a.git/", "/srv/a", true],
  ];
  it.each(same)("%s and %s: same %s", (a, b, expected) => expect(sameRepository(a, b)).toBe(expected));

  it("match over protocols by host and path", () => {
    const forms = [
      "https://github.com/Org/Repo.git",
      "git@github.com:org/repo.git",
      "ssh://git@github.com:22/org/repo",
      "git://github.com/org/repo",
    ];
    expect(new Set(forms.map(hostAndPath))).toEqual(new Set(["github.com/org/repo"]));
  });

  it("keep their credentials to themselves", () => {
    expect(splitCredentials("https://me:p%40ss@host/x.git")).toEqual({
      url: "https://host/x.git",
      username: "me",
      password: "p@ss",
    });
    expect(splitCredentials("https://token@host/x")).toEqual({ url: "https://host/x", username: "token" });
    expect(splitCredentials("https://a@b:c@d@host/x")).toEqual({
      url: "https://host/x",
      username: "a@b",
      password: "c@d",
    });
    expect(splitCredentials("ssh://git@host/x")).toEqual({ url: "ssh://git@host/x" });
    expect(redact("fatal: unable to access 'https://me:p@ss@host/x/': no; token p%40ss", ["p@ss"])).toBe(
      "fatal: unable to access 'https://***@host/x/': no; token ***",
    );
    expect(redact("ssh://git@host/x and git@host:y")).toBe("ssh://git@host/x and git@host:y");
    expect(normalizeUrl("https://me:secret@host/x")).not.toContain("secret");
  });

  it("that could do harm are refused", () => {
    for (const url of [
      "-x",
      "ext::sh",
      "fd::17",
      "ftp://h/x",
      "https://h/\nx",
      "git@-oProxyCommand=x:y",
      " ",
      "ssh://-x/y",
    ])
      expect(() => checkUrl(url), url).toThrow(/repository URL/);
    for (const url of ["https://h/x", "git@h:x", "ssh://git@h:22/x", "git://h/x", "file:///x", "/srv/x", "h:x"])
      expect(() => checkUrl(url), url).not.toThrow();
  });
});
