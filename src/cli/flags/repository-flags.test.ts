import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Context } from "../context.ts";
import { parseFlags } from "../flags.ts";
import { credentialFields, credentialFlags } from "./repository-flags.ts";
import type { Repository } from "../server/services.ts";

const input = { isTerminal: true, readAll: () => Promise.resolve(""), ask: () => Promise.resolve("typed") };
const context = { input } as unknown as Context;

const fields = (url: string, ...argv: string[]): Promise<Repository> =>
  credentialFields(context, url, parseFlags(credentialFlags, argv).values);

describe("credentials of a repository", () => {
  test.each<[argv: string[], fields: Repository]>([
    [[], { type: "git" }],
    [["--username", "u", "--password", "p"], { type: "git", username: "u", password: "p" }],
    [["--username", "u"], { type: "git", username: "u", password: "typed" }],
    [["--bearer-token", "t"], { type: "git", bearerToken: "t" }],
    [["--type", "helm", "--enable-oci"], { type: "helm", enableOCI: true }],
    [["--github-app-id", "7"], { type: "git", githubAppID: 7 }],
  ])("%j", async (argv, expected) => {
    expect(await fields("https://git.example.com/a.git", ...argv)).toEqual(expected);
  });

  test("keys are read from files", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "driftless-flags-")), "key");
    writeFileSync(file, "the key");
    const read = { type: "git", sshPrivateKey: "the key" };
    expect(await fields("git@git.example.com:a.git", "--ssh-private-key-path", file)).toEqual(read);
    expect(await fields("ssh://git@git.example.com/a.git", "--ssh-private-key-path", file)).toEqual(read);
  });

  test.each<[url: string, argv: string[], says: RegExp]>([
    ["https://x/a", ["--ssh-private-key-path", "k"], /only supported for SSH/],
    ["https://x/a", ["--tls-client-cert-path", "c"], /always required together/],
    ["git@x:a", ["--tls-client-cert-path", "c", "--tls-client-cert-key-path", "k"], /only supported for HTTPS/],
    ["git@x:a", ["--bearer-token", "t"], /only supported for HTTPS Git/],
    ["https://x/a", ["--bearer-token", "t", "--password", "p"], /not both/],
    ["https://x/a", ["--type", "svn"], /--type takes git, helm or oci/],
    ["git@x:a", ["--ssh-private-key-path", "/nowhere/key"], /no such file/],
  ])("%s %j is refused", async (url, argv, says) => {
    await expect(fields(url, ...argv)).rejects.toThrow(says);
  });
});
