import { describe, expect, it } from "vitest";
import {
  certificatesMatching,
  certificatesOf,
  listed,
  withHostKey,
  withoutHostKeys,
  type CertificateQuery,
} from "./certificates.ts";

const pem = `-----BEGIN CERTIFICATE-----
MIIB1DCCAXmgAwIBAgIUY5nGLYI4LBN7z/t+5HXvrIhIsCYwCgYIKoZIzj0EAwIw
PjELMAkGA1UEBhMCREUxFTATBgNVBAoMDEV4YW1wbGUsIEluYzEYMBYGA1UEAwwP
Z2l0LmV4YW1wbGUuY29tMCAXDTI2MTEyMTEyMzExNVoYDzIxMjYxMDI4MTIzMTE1
WjA+MQswCQYDVQQGEwJERTEVMBMGA1UECgwMRXhhbXBsZSwgSW5jMRgwFgYDVQQD
DA9naXQuZXhhbXBsZS5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ8/6CM
+xpAiestTdTHRwg6rHXsGE76Bwxg3usOncSlN/wqNLWjkM4zVy7eCnGkpCSFSlGK
9nSULxfPahUwdX2No1MwUTAdBgNVHQ4EFgQUdb3/X/GVxsbWdLCZkd0tpqh88sow
HwYDVR0jBBgwFoAUdb3/X/GVxsbWdLCZkd0tpqh88sowDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNJADBGAiEAs2tS735bQWdwWfsWfweZ8a3TSNZSokIN4iwt
8vxCOP8CIQDxDfY+YEhyL86Uw+UVgTGCIeTkwPyFGvu7GNnXokVGJg==
-----END CERTIFICATE-----
`;
const key = "AAAAC3NzaC1lZDI1NTE5AAAAIKZ13CLAoJp+0kQlhM83vrDZ0XP2qdZNojjjavkk6QIC";
const otherKey = "AAAAC3NzaC1lZDI1NTE5AAAAIM4uqqE23nbCEPzSosi8o1dfSJ0cJMTafmw3eypCy8Gx";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const knownHosts = [
  "# a comment that stays",
  `git.example.com ssh-ed25519 ${key}`,
  `[git.example.org]:2222 ssh-ed25519 ${otherKey}`,
  `@cert-authority *.example.net ssh-ed25519 ${key}`,
  "",
].join("\n");
const certificates = { "git.example.com": pem, "chain.example.com": pem + pem };

describe("what is listed", () => {
  const names = (query: CertificateQuery): readonly string[] =>
    listed(knownHosts, certificates, query).map(({ serverName, certType }) => `${certType} ${serverName}`);
  const chain = "https chain.example.com";

  it.each<[CertificateQuery, readonly string[]]>([
    [{}, ["ssh git.example.com", "ssh [git.example.org]:2222", chain, chain, "https git.example.com"]],
    [{ hostNamePattern: "git.*" }, ["ssh git.example.com", "https git.example.com"]],
    [{ certType: "ssh" }, ["ssh git.example.com", "ssh [git.example.org]:2222"]],
    [{ certType: "https", hostNamePattern: "git.example.com" }, ["https git.example.com"]],
    [{ certType: "*", certSubType: "ssh-rsa" }, [chain, chain, "https git.example.com"]],
    [{ certType: "ssh", certSubType: "ssh-ed25519", hostNamePattern: "*org*" }, ["ssh [git.example.org]:2222"]],
  ])("%j", (query, expected) => expect(names(query)).toEqual(expected));

  it("says who they are, and never holds the data", () => {
    expect(listed(knownHosts, { "git.example.com": pem }, { hostNamePattern: "git.example.com" })).toEqual([
      {
        serverName: "git.example.com",
        certType: "ssh",
        certSubType: "ssh-ed25519",
        certInfo: "SHA256:UxfXPxeMStWbgtzzHwwRXD1pZgaz2BjJ8HS1Ij4qL+w",
      },
      {
        serverName: "git.example.com",
        certType: "https",
        certSubType: "ecdsa",
        certInfo: String.raw`CN=git.example.com,O=Example\, Inc,C=DE`,
      },
    ]);
  });

  it("names a certificate that cannot be read", () => {
    const broken = pem.replace("MIIB", "AAAA");
    expect(listed("", { a: broken }, {})[0]).toMatchObject({ serverName: "a", certSubType: "invalid" });
  });
});

describe("a host key", () => {
  const wanted = { serverName: "new.example.com", certType: "ssh", certSubType: "ssh-ed25519", certData: base64(key) };

  it("comes last, and everything else stays", () => {
    const { text, created } = withHostKey(knownHosts, wanted, false);
    expect(text).toBe(`${knownHosts}new.example.com ssh-ed25519 ${key}\n`);
    expect(created).toMatchObject({
      serverName: "new.example.com",
      certInfo: "SHA256:UxfXPxeMStWbgtzzHwwRXD1pZgaz2BjJ8HS1Ij4qL+w",
    });
  });

  it("begins a line of its own where the last one has no end", () => {
    expect(withHostKey("# none yet", wanted, false).text).toBe(`# none yet\nnew.example.com ssh-ed25519 ${key}\n`);
  });

  it("that is known is not created again", () => {
    const same = { ...wanted, serverName: "git.example.com" };
    expect(withHostKey(knownHosts, same, false)).toEqual({ text: knownHosts, created: undefined });
  });

  it("takes another's place only by upsert", () => {
    const other = { ...wanted, serverName: "git.example.com", certData: base64(otherKey) };
    expect(() => withHostKey(knownHosts, other, false)).toThrow(
      "key for 'git.example.com' (subtype: 'ssh-ed25519') already exists",
    );
    const { text } = withHostKey(knownHosts, other, true);
    expect(text).toBe(knownHosts.replace(`com ssh-ed25519 ${key}`, `com ssh-ed25519 ${otherKey}`));
  });

  it.each([
    ["of another type", { certSubType: "ssh-rsa" }, "no SSH host key of the type"],
    ["that is none", { certData: base64("not a key") }, "no SSH host key"],
    ["of a host with a line's end in it", { serverName: "a\nb" }, "invalid hostname"],
    ["of nobody", { serverName: "" }, "invalid hostname"],
  ])("%s is refused", (_name, change, message) => {
    expect(() => withHostKey(knownHosts, { ...wanted, ...change }, true)).toThrow(message);
  });

  it("is removed without its neighbours", () => {
    const { text, removed } = withoutHostKeys(knownHosts, { hostNamePattern: "git.example.com", certType: "ssh" });
    expect(text.split("\n")).toEqual(knownHosts.split("\n").toSpliced(1, 1));
    expect(removed).toEqual([
      { serverName: "git.example.com", certType: "ssh", certSubType: "ssh-ed25519", certData: base64(key) },
    ]);
    expect(withoutHostKeys(knownHosts, { certType: "https" })).toEqual({ text: knownHosts, removed: [] });
  });
});

describe("a server's certificates", () => {
  const wanted = { serverName: "git.example.com", certType: "https", certData: base64(pem + pem) };

  it("are kept as they came, one entry each", () => {
    const { text, created } = certificatesOf(undefined, wanted, false);
    expect(text).toBe(pem + pem);
    expect(created).toHaveLength(2);
    expect(certificatesOf(pem + pem, wanted, false).created).toEqual([]);
  });

  it("take others' place only by upsert", () => {
    expect(() => certificatesOf(pem, wanted, false)).toThrow("already exists and upsert was not specified");
    expect(certificatesOf(pem, wanted, true).created).toHaveLength(2);
  });

  it.each([
    ["without a certificate", { certData: base64("hello") }, "no certificate in PEM format"],
    ["with a broken one", { certData: base64(pem.replace("MIIB", "AAAA")) }, "cannot be read"],
    ["of a wildcard", { serverName: "*.example.com" }, "invalid hostname"],
  ])("%s are refused", (_name, change, message) => {
    expect(() => certificatesOf(undefined, { ...wanted, ...change }, true)).toThrow(message);
  });

  it("are found by name", () => {
    expect(Object.keys(certificatesMatching(certificates, { hostNamePattern: "chain.*" }))).toEqual([
      "chain.example.com",
    ]);
    expect(certificatesMatching(certificates, { certType: "ssh" })).toEqual({});
  });
});
