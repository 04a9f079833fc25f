// Over a real sshd on loopback, where the machine has one (Debian: openssh-server).
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitWorld, type GitWorld } from "./testing.ts";

const sshd = "/usr/sbin/sshd";
const available = existsSync(sshd) && spawnSync("ssh-keygen", ["-?"]).error === undefined && process.getuid?.() === 0;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

async function listening(port: number): Promise<void> {
  for (const until = Date.now() + 10_000; Date.now() < until;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("close", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
  }
  throw new Error("sshd did not listen in time");
}

describe.skipIf(!available)("a repository over ssh", () => {
  let world: GitWorld;
  let server: ChildProcess;
  let url: string;
  let sha: string;
  let key: string;
  let knownHosts: string;

  beforeAll(async () => {
    world = await createGitWorld();
    const at = (name: string): string => join(world.dir, name);
    for (const name of ["host", "user", "stranger"])
      spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at(name)]);
    const { dir } = await world.repository("fleet");
    sha = await world.commit(dir, { "apps/web.yaml": "kind: ConfigMap\n" });
    writeFileSync(at("authorized"), readFileSync(at("user.pub")), { mode: 0o600 });
    const port = await freePort();
    mkdirSync("/run/sshd", { recursive: true });
    const config = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${at("host")}`,
      `AuthorizedKeysFile ${at("authorized")}`,
      "PasswordAuthentication no",
      "PermitRootLogin prohibit-password",
      "StrictModes no",
      `SetEnv PATH=${at("bin")}:/usr/local/bin:/usr/bin:/bin`,
      "UsePAM no",
      `PidFile ${at("sshd.pid")}`,
    ];
    writeFileSync(at("sshd_config"), `${config.join("\n")}\n`);
    server = spawn(sshd, ["-D", "-e", "-f", at("sshd_config")], { stdio: "ignore" });
    await listening(port);
    url = `ssh://root@127.0.0.1:${port}${dir}`;
    key = readFileSync(at("user"), "utf8");
    knownHosts = `[127.0.0.1]:${port} ${readFileSync(at("host.pub"), "utf8")}`;
  }, 30_000);

  afterAll(async () => {
    server?.kill();
    await world?.close();
  });

  it("is read with the key and the host key that were given", async () => {
    const repository = world.repositories.open({ url, sshPrivateKey: key, sshKnownHosts: knownHosts });
    expect((await repository.resolve(world.op, "main")).sha).toBe(sha);
    const [entry] = await repository.tree(world.op, sha, "apps");
    expect(Buffer.from(await repository.blob(world.op, entry!.oid)).toString()).toBe("kind: ConfigMap\n");
  });

  it("has Git LFS where its server says, with the headers that it gives", async () => {
    const closed = await world.serve({ readLogin: { username: "lfs", password: "token" } });
    const content = Buffer.from("kind: Secret\n");
    const oid = createHash("sha256").update(content).digest("hex");
    const { dir } = await world.repository("large");
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
    const commit = await world.commit(dir, { "a.yaml": pointer });
    mkdirSync(join(dir, "lfs"));
    writeFileSync(join(dir, "lfs", oid), content);
    mkdirSync(join(world.dir, "bin"));
    const authorization = `Basic ${Buffer.from("lfs:token").toString("base64")}`;
    const answer = JSON.stringify({ href: `${closed.repositoryUrl("large")}/info/lfs`, header: { authorization } });
    const script = `#!/bin/sh\n[ "$1" = "${dir}" ] && [ "$2" = download ] && echo '${answer}'\n`;
    writeFileSync(join(world.dir, "bin", "git-lfs-authenticate"), script, { mode: 0o755 });
    const access = { url: url.replace("fleet", "large"), sshPrivateKey: key, sshKnownHosts: knownHosts, lfs: true };
    const repository = world.repositories.open(access);
    await repository.refresh(world.op);
    const entry = await repository.entry(world.op, commit, "a.yaml");
    expect(Buffer.from(await repository.blob(world.op, entry?.oid ?? "")).toString()).toBe("kind: Secret\n");
  });

  it("is not read where the host has another key than the known one", async () => {
    const other = readFileSync(join(world.dir, "stranger.pub"), "utf8");
    const wrong = knownHosts.replace(/ssh-ed25519 .*/s, other);
    const repository = world.reopen().open({ url: `${url}/`, sshPrivateKey: key, sshKnownHosts: wrong });
    await expect(repository.refresh(world.op)).rejects.toMatchObject({ code: "REPOSITORY_UNREACHABLE" });
  });

  it("is not read with a key that the server does not know, and the error does not show the key", async () => {
    const stranger = readFileSync(join(world.dir, "stranger"), "utf8");
    const repository = world.reopen().open({ url, sshPrivateKey: stranger, sshKnownHosts: knownHosts });
    const error = await repository.refresh(world.op).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject({ code: "REPOSITORY_UNREACHABLE" });
    expect(String(error?.message)).not.toContain("PRIVATE KEY");
  });
});
