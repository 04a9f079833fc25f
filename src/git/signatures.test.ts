// Signatures made by the real git, gpg and ssh-keygen, checked without any of them.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKeyring, type Keyring } from "./keyring.ts";
import { createGitWorld, type GitWorld } from "./testing.ts";
import type { GitRepository } from "./types.ts";
import { verifyRevision, type SignaturePolicy } from "./verify.ts";

const gpgThere = spawnSync("gpg", ["--version"]).status === 0;
const sshThere = spawnSync("ssh-keygen", ["-?"]).error === undefined;

interface Signing {
  readonly config: readonly string[];
  readonly env: Record<string, string>;
}

describe("signatures of commits and tags", () => {
  let world: GitWorld;
  let dir: string;
  let repository: GitRepository;
  let tree: string;
  let gpg: Signing;
  const keys: Record<string, string> = {};
  const armoured: Record<string, string> = {};

  const git = (signing: Signing | undefined, args: readonly string[], input = ""): string => {
    const config = ["user.name=Ada", "user.email=ada@example.com", ...(signing?.config ?? [])].flatMap((one) => [
      "-c",
      one,
    ]);
    const out = spawnSync("git", ["--git-dir", dir, ...config, ...args], {
      env: { ...world.program.env, ...signing?.env },
      input,
      encoding: "utf8",
    });
    if (out.status !== 0) throw new Error(out.stderr);
    return out.stdout.trim();
  };
  const commit = (signing: Signing | undefined, message: string, parents: readonly string[] = []): string =>
    git(
      signing,
      ["commit-tree", ...(signing ? ["-S"] : []), ...parents.flatMap((parent) => ["-p", parent]), tree],
      message,
    );
  const verify = async (sha: string, policy: Partial<SignaturePolicy>, keyring: Keyring, tag?: string) => {
    git(undefined, ["update-ref", "refs/heads/main", sha]);
    await repository.refresh(world.op);
    return verifyRevision(
      world.op,
      repository,
      { sha, ...(tag === undefined ? {} : { tag }) },
      { mode: "head", keys: [], ...policy },
      keyring,
    );
  };
  const ssh = (type: string, bits = ""): Signing => {
    const file = join(world.dir, `ssh-${type}${bits}`);
    const size = bits === "" ? [] : ["-b", bits];
    spawnSync("ssh-keygen", ["-q", "-t", type, ...size, "-N", "", "-C", "ada", "-f", file]);
    return { config: ["gpg.format=ssh", `user.signingKey=${file}`], env: {} };
  };
  const publicKey = (type: string): string => readFileSync(join(world.dir, `ssh-${type}.pub`), "utf8").trim();
  const fingerprint = (type: string): string =>
    spawnSync("ssh-keygen", ["-l", "-f", join(world.dir, `ssh-${type}.pub`)], { encoding: "utf8" }).stdout.split(
      " ",
    )[1] ?? "";

  beforeAll(async () => {
    world = await createGitWorld();
    const made = await world.repository("signed");
    dir = made.dir;
    const first = await world.commit(dir, { "a.yaml": "a: 1\n" });
    tree = git(undefined, ["rev-parse", `${first}^{tree}`]);
    repository = world.repositories.open({ url: made.url });
    if (!gpgThere) return;
    const home = join(world.dir, "gnupg");
    mkdirSync(home, { mode: 0o700 });
    const run = (args: readonly string[]): string => {
      const out = spawnSync(
        "gpg",
        ["--batch", "--homedir", home, "--passphrase", "", "--pinentry-mode", "loopback", ...args],
        {
          encoding: "utf8",
        },
      );
      if (out.status !== 0) throw new Error(out.stderr);
      return out.stdout;
    };
    for (const [name, algorithm] of [
      ["ada", "ed25519"],
      ["bob", "rsa2048"],
    ] as const) {
      run(["--quick-generate-key", `${name} <${name}@example.com>`, algorithm, "sign", "never"]);
      armoured[name] = run(["--armor", "--export", name]);
      keys[name] = /^fpr:+([0-9A-F]{40})/m.exec(run(["--with-colons", "--list-keys", name]))?.[1] ?? "";
    }
    // A key that signs with a subkey, and one that ends within this test.
    run(["--quick-generate-key", "sub <sub@example.com>", "rsa2048", "cert", "never"]);
    keys["sub"] = /^fpr:+([0-9A-F]{40})/m.exec(run(["--with-colons", "--list-keys", "sub"]))?.[1] ?? "";
    run(["--quick-add-key", keys["sub"], "ed25519", "sign", "2d"]);
    armoured["sub"] = run(["--armor", "--export", "sub"]);
    const program = join(world.dir, "gpg.sh");
    writeFileSync(program, `#!/bin/sh\nexec gpg --homedir ${home} "$@"\n`, { mode: 0o755 });
    gpg = { config: [`gpg.program=${program}`], env: { GNUPGHOME: home } };
  });
  afterAll(async () => {
    if (gpgThere) spawnSync("gpgconf", ["--homedir", join(world.dir, "gnupg"), "--kill", "all"]);
    await world.close();
  });

  const by = (name: string): Signing => ({ ...gpg, config: [...gpg.config, `user.signingKey=${keys[name]}`] });

  describe.skipIf(!gpgThere)("OpenPGP", () => {
    it("accepts a commit by an allowed key, named by fingerprint or ID", async () => {
      const sha = commit(by("ada"), "signed");
      const keyring = await createKeyring(armoured);
      const long = keys["ada"] ?? "";
      for (const allowed of [long, long.slice(-16), `0x${long.slice(-16).toLowerCase()}`]) {
        const { problems, description } = await verify(sha, { keys: [allowed] }, keyring);
        expect(problems).toEqual([]);
        expect(description).toBe(`Good signature from ada <ada@example.com> key ${long.slice(-16)}`);
      }
      expect((await verify(commit(by("bob"), "RSA"), { keys: [keys["bob"] ?? ""] }, keyring)).problems).toEqual([]);
    });

    it("tells an unsigned commit, an unknown key and one that is not allowed", async () => {
      const keyring = await createKeyring({ ada: armoured["ada"] ?? "" });
      const unsigned = await verify(commit(undefined, "plain"), { keys: [keys["ada"] ?? ""] }, keyring);
      expect(unsigned.problems).toEqual([
        expect.stringMatching(/^commit .* by Ada <ada@example.com>: it is not signed$/),
      ]);
      expect(unsigned.description).toBe("Revision is not signed.");
      const sha = commit(by("bob"), "by another");
      expect((await verify(sha, { keys: [keys["bob"] ?? ""] }, keyring)).problems).toEqual([
        expect.stringContaining(`it is signed with a key that is not known (key ${keys["bob"]?.slice(-16)})`),
      ]);
      const both = await createKeyring(armoured);
      expect((await verify(sha, { keys: [keys["ada"] ?? ""] }, both)).problems).toEqual([
        expect.stringContaining(`signed with key ${keys["bob"]?.slice(-16)}, which the project does not allow`),
      ]);
    });

    it("tells a signature that was made of something else", async () => {
      const sha = commit(by("ada"), "signed");
      const text = git(undefined, ["cat-file", "commit", sha]).replace("signed", "changed");
      const forged = git(undefined, ["hash-object", "-t", "commit", "-w", "--stdin"], text);
      const { problems } = await verify(forged, { keys: [keys["ada"] ?? ""] }, await createKeyring(armoured));
      expect(problems).toEqual([expect.stringContaining("its signature is bad")]);
    });

    it("accepts a subkey where its primary key is allowed, until it ends", async () => {
      const sha = commit(by("sub"), "by a subkey");
      const allowed = { keys: [keys["sub"]?.slice(-16) ?? ""] };
      expect((await verify(sha, allowed, await createKeyring(armoured))).problems).toEqual([]);
      const later = await createKeyring(armoured, "", () => Date.now() + 3 * 86_400_000);
      expect((await verify(sha, allowed, later)).problems).toEqual([expect.stringContaining("a key that has expired")]);
    });

    it("of an annotated tag checks the tag, not the commit", async () => {
      const plain = commit(undefined, "plain");
      git(by("ada"), ["tag", "-s", "-m", "release", "v1", plain]);
      git(undefined, ["tag", "-a", "-m", "release", "v2", commit(by("ada"), "signed")]);
      git(undefined, ["tag", "light", plain]);
      await repository.refresh(world.op);
      const keyring = await createKeyring(armoured);
      const of = async (revision: string) => {
        const at = await repository.resolve(world.op, revision);
        return verifyRevision(world.op, repository, at, { mode: "head", keys: [keys["ada"] ?? ""] }, keyring);
      };
      expect((await of("v1")).problems).toEqual([]);
      expect((await of("1.x")).problems).toEqual([]);
      expect((await of("v2")).problems).toEqual([expect.stringMatching(/^tag .*it is not signed$/)]);
      expect((await of("light")).problems).toEqual([expect.stringMatching(/^commit .*it is not signed$/)]);
    });

    it("in mode strict looks at the whole history, down to seals", async () => {
      const keyring = await createKeyring(armoured);
      const strict = { mode: "strict", keys: [keys["ada"] ?? ""] } as const;
      const old = commit(undefined, "unsigned");
      const above = commit(by("ada"), "signed", [old]);
      expect((await verify(above, strict, keyring)).problems).toEqual([
        expect.stringMatching(new RegExp(`^commit ${old.slice(0, 12)}.*it is not signed$`)),
      ]);
      const seal = commit(by("ada"), "Trust what was before\n\nArgocd-gpg-seal: reviewed\n", [old]);
      expect((await verify(commit(by("ada"), "top", [seal]), strict, keyring)).problems).toEqual([]);
      const side = commit(by("bob"), "by bob", [seal]);
      const merge = commit(by("ada"), "merge", [seal, side]);
      expect((await verify(merge, strict, keyring)).problems).toHaveLength(1);
      // A seal that is not signed as asked vouches for nothing.
      const weak = commit(undefined, "x\n\nArgocd-gpg-seal: trust me\n", [old]);
      expect((await verify(commit(by("ada"), "top", [weak]), strict, keyring)).problems).toHaveLength(2);
    });

    it("reads no key out of what is none, and says so", async () => {
      const keyring = await createKeyring({ broken: "no key" });
      expect(keyring.problems).toEqual([expect.stringContaining("broken: is no armoured OpenPGP key")]);
    });
  });

  describe.skipIf(!sshThere)("SSH", () => {
    it.each([
      ["ed25519", ""],
      ["ecdsa", "256"],
      ["ecdsa", "384"],
      ["ecdsa", "521"],
      ["rsa", "3072"],
    ])("accepts a commit by an allowed %s key of %s bits", async (type, bits) => {
      const sha = commit(ssh(type, bits), "signed");
      const name = `${type}${bits}`;
      const keyring = await createKeyring({}, `ada@example.com namespaces="git" ${publicKey(name)}\n`);
      const { problems, description } = await verify(sha, { keys: [fingerprint(name)] }, keyring);
      expect(problems).toEqual([]);
      expect(description).toBe(`Good signature from ada@example.com key ${fingerprint(name)}`);
    });

    it("tells keys that are unknown, not allowed, out of their time or of another namespace", async () => {
      const sha = commit(ssh("ed25519", ""), "signed");
      const line = publicKey("ed25519");
      const keys = [fingerprint("ed25519")];
      const problems = async (signers: string, allowed = keys): Promise<string> =>
        (await verify(sha, { keys: allowed }, await createKeyring({}, signers))).problems.join("\n");
      expect(await problems(`ada ${line}`)).toBe("");
      expect(await problems("")).toContain("a key that is not known");
      expect(await problems(`ada ${line}`, ["SHA256:other"])).toContain("which the project does not allow");
      expect(await problems(`ada valid-before="20200101" ${line}`)).toContain(
        "do not accept this key for git at that time",
      );
      expect(await problems(`ada valid-after="20200101",namespaces="git" ${line}`)).toBe("");
      expect(await problems(`ada namespaces="file" ${line}`)).toContain("do not accept this key for git at that time");
      expect(await problems(`ada cert-authority ${line}`)).toContain("do not accept this key for git at that time");
    });

    it("accepts signed tags, and tells a changed one", async () => {
      const signing = ssh("ed25519", "");
      git(signing, ["tag", "-s", "-m", "release", "s1", commit(undefined, "plain")]);
      await repository.refresh(world.op);
      const keyring = await createKeyring({}, `ada ${publicKey("ed25519")}`);
      const at = await repository.resolve(world.op, "s1");
      const policy = { mode: "head", keys: [fingerprint("ed25519")] } as const;
      expect((await verifyRevision(world.op, repository, at, policy, keyring)).problems).toEqual([]);
      const text = git(undefined, ["cat-file", "tag", at.tag ?? ""]).replace("release", "changed");
      const forged = git(undefined, ["hash-object", "-t", "tag", "-w", "--stdin"], `${text}\n`);
      git(undefined, ["update-ref", "refs/tags/s2", forged]);
      await repository.refresh(world.op);
      const other = await repository.resolve(world.op, "s2");
      expect((await verifyRevision(world.op, repository, other, policy, keyring)).problems).toEqual([
        expect.stringContaining("its signature is bad"),
      ]);
    });
  });
});
