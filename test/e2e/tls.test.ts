// TLS as a person meets it: a certificate that the server makes itself, one that it is given and that changes while it
// runs, what clients say to one that they do not know, and everything on one port.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Agent, fetch } from "undici";
import { selfSigned } from "#server/tls/self-signed.ts";
import { program, runToEnd, type Ended } from "../support/cli.ts";
import { eventually, steadily } from "../support/eventually.ts";
import { connectKube, type Kube } from "../support/kube.ts";
import { grpcCaller, restCaller } from "../support/rpc.ts";
import { startUp, type Up } from "../support/up.ts";

let up: Up;
let kube: Kube;
let home = "";

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "driftless-tls-"));
  up = await startUp({ flags: ["--tls"] });
  kube = connectKube(up.kubeconfig);
});
afterAll(async () => {
  await kube?.close();
  await up?.stop();
  rmSync(home, { recursive: true, force: true });
});

function driftless(...args: readonly string[]): Promise<Ended> {
  return runToEnd(program, args, { home });
}

/** The certificate that new connections are shown, in PEM. */
async function shown(): Promise<string> {
  const { hostname: host, port } = new URL(up.url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(`-----BEGIN CERTIFICATE-----\n${raw.toString("base64")}\n-----END CERTIFICATE-----\n`);
    });
    socket.on("error", reject);
  });
}

const der = (pem: string): string =>
  /CERTIFICATE-----\s([\s\S]*?)\s-----END/.exec(pem)?.[1]?.replaceAll(/\s/g, "") ?? "";
const login = (...more: readonly string[]): Promise<Ended> =>
  driftless("login", up.url, "--username", "admin", "--password", up.password, "--name", "tls", ...more);

describe("a server with TLS", { timeout: 120_000 }, () => {
  let own = "";

  test("makes a certificate at its first start, and keeps it", async () => {
    expect(up.url).toMatch(/^https:/);
    own = await shown();
    const secret = await kube.get("Secret", "argocd-secret", up.namespace);
    const kept = (secret!["data"] as Record<string, string>)["tls.crt"]!;
    expect(der(Buffer.from(kept, "base64").toString("utf8"))).toBe(der(own));
    await up.interrupt();
    await up.restart();
    expect(der(await shown())).toBe(der(own));
  });

  test("is not trusted by who does not know its certificate, and that is said", async () => {
    const refused = await login();
    expect(refused).toMatchObject({ code: 20, out: "" });
    expect(refused.err).toMatch(/certificate is self-signed \(add --insecure, or --server-crt FILE\)/);
    expect(refused.err).not.toContain(up.password);
  });

  test("is spoken to with --insecure, which the context remembers", async () => {
    expect(await login("--insecure")).toMatchObject({ code: 0, err: "" });
    expect(await driftless("app", "list", "-o", "name")).toMatchObject({ code: 0, err: "" });
  });

  test("is trusted by its certificate", async () => {
    const file = join(home, "server.pem");
    writeFileSync(file, own);
    const token = await up.api.token();
    const asked = ["--server", up.url.replace("https://", ""), "--auth-token", token, "--server-crt", file];
    expect(await driftless("account", "get-user-info", ...asked)).toMatchObject({ code: 0, err: "" });
    const nowhere = await driftless("account", "get-user-info", ...asked.slice(0, -1), join(home, "no.pem"));
    expect(nowhere.err).toMatch(/no\.pem of --server-crt cannot be read/);
  });

  test("answers REST, gRPC, gRPC-Web and pages on one port", async () => {
    const server = { url: up.url, token: await up.api.token(), ca: own };
    for (const caller of [restCaller(server), grpcCaller("gRPC", server), grpcCaller("gRPC-Web", server)]) {
      expect(await caller.call("SessionService.getUserInfo")).toMatchObject({ username: "admin" });
      await caller.close();
    }
    const dispatcher = new Agent({ connect: { ca: own } });
    const page = await fetch(new URL("/swagger-ui", up.url), { dispatcher });
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const cookie = await fetch(new URL("/api/v1/session", up.url), {
      dispatcher,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: "admin", password: up.password }),
    });
    expect(cookie.headers.get("set-cookie")).toMatch(/; HttpOnly; SameSite=Lax; Secure/);
    await dispatcher.close();
  });

  test("sends who speaks plain HTTP to https", async () => {
    const plain = up.url.replace("https:", "http:");
    const answer = await fetch(`${plain}/api/version?x=1`, { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([307, `${up.url}/api/version?x=1`]);
    const asked = await driftless("app", "list", "--plaintext", "--server", plain, "--auth-token", "x");
    expect(asked).toMatchObject({ code: 20, out: "" });
    expect(asked.err).toMatch(/redirects to https:\S+: use that address/);
  });

  test("takes over the certificate of argocd-server-tls, and the next one, while it runs", async () => {
    const metadata = { name: "argocd-server-tls", namespace: up.namespace };
    const [first, second] = [await selfSigned(["localhost"], Date.now()), await selfSigned(["localhost"], Date.now())];
    const data = ({ cert, key }: typeof first): Record<string, string> => ({ "tls.crt": cert, "tls.key": key });
    await kube.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata,
      type: "kubernetes.io/tls",
      stringData: data(first),
    });
    await eventually(async () => expect(der(await shown())).toBe(der(first.cert)));

    const token = await up.api.token();
    const stale = grpcCaller("gRPC", { url: up.url, token, ca: own });
    await expect(stale.call("SessionService.getUserInfo")).rejects.toThrow(/certificate/);
    await stale.close();
    const fresh = grpcCaller("gRPC", { url: up.url, token, ca: first.cert });
    expect(await fresh.call("SessionService.getUserInfo")).toMatchObject({ username: "admin" });
    await fresh.close();

    await kube.edit("Secret", metadata, { stringData: data(second) });
    await eventually(async () => expect(der(await shown())).toBe(der(second.cert)));
    // One that is not usable changes nothing.
    await kube.edit("Secret", metadata, { stringData: { "tls.crt": first.cert } });
    await eventually(() => expect(up.log()).toContain("tls.key is not the key of tls.crt"));
    await steadily(async () => expect(der(await shown())).toBe(der(second.cert)), 500);
    expect(up.log()).not.toContain("PRIVATE KEY");
  });
});

test("without TLS, clients that ask for it are told", async () => {
  const plain = await startUp({ flags: ["--insecure"], demo: false });
  try {
    expect(plain.url).toMatch(/^http:/);
    const host = new URL(plain.url).host;
    const said = await driftless("login", `https://${host}`, "--username", "admin", "--password", plain.password);
    // On this machine there is nobody in between: it is spoken to without.
    expect(said.code, said.err).toBe(0);
    const user = ["--server", host, "--plaintext", "--auth-token", await plain.api.token()];
    expect(await driftless("account", "get-user-info", ...user)).toMatchObject({ code: 0, err: "" });
  } finally {
    await plain.stop();
  }
});

test("--tls and --insecure at once are refused", async () => {
  const ended = await driftless("up", "--tls", "--insecure", "--data-dir", join(home, "data"), "--port", "0");
  expect(ended).toMatchObject({ out: "" });
  expect(ended.code).not.toBe(0);
  expect(ended.err).toContain("--tls and --insecure contradict each other");
});
