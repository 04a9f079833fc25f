import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execPlugin, tokenFile } from "./authenticators.ts";
import { parseClusterSecret } from "./clusters.ts";
import { connectionFromClusterSecret, connectionFromKubeconfig, connectionInCluster } from "./credentials.ts";
import { fixedRandom, operation, quickClock } from "./testing/fake-server.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const options = {
  clock: quickClock,
  random: fixedRandom,
  userAgent: "driftless/test",
  environment: { ...process.env },
};
const ca = "-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "driftless-kube-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function kubeconfig(user: unknown, cluster: Record<string, unknown> = {}): string {
  return JSON.stringify({
    clusters: [{ name: "c", cluster: { server: "https://example.com:6443/", ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [
      { name: "one", context: { cluster: "c", user: "u" } },
      { name: "broken", context: { cluster: "nowhere", user: "u" } },
    ],
    "current-context": "one",
  });
}

describe("kubeconfig", () => {
  test("token, authority, server name", async () => {
    const text = kubeconfig({ token: "t" }, { "certificate-authority-data": base64(ca), "tls-server-name": "other" });
    const connection = connectionFromKubeconfig({ text }, options);
    expect(connection).toMatchObject({
      name: "one",
      server: "https://example.com:6443",
      tls: { ca, servername: "other" },
    });
    expect(await connection.auth.authorization(operation())).toBe("Bearer t");
  });

  test("user and password, client certificate, no verification, proxy", async () => {
    const user = {
      username: "a",
      password: "b",
      "client-certificate-data": base64("cert"),
      "client-key-data": base64("key"),
    };
    const text = kubeconfig(user, { "insecure-skip-tls-verify": true, "proxy-url": "http://proxy:3128" });
    const connection = connectionFromKubeconfig({ text }, options);
    expect(connection.tls).toEqual({ cert: "cert", key: "key", insecure: true });
    expect(connection.proxyUrl).toBe("http://proxy:3128");
    expect(await connection.auth.authorization(operation())).toBe(`Basic ${base64("a:b")}`);
  });

  test("files are found beside the kubeconfig", async () => {
    writeFileSync(join(folder, "ca.pem"), ca);
    writeFileSync(join(folder, "token"), "from-file\n");
    const path = join(folder, "config");
    writeFileSync(path, kubeconfig({ tokenFile: "token" }, { "certificate-authority": "ca.pem" }));
    const connection = connectionFromKubeconfig({ path }, options);
    expect(connection.tls.ca).toBe(ca);
    expect(await connection.auth.authorization(operation())).toBe("Bearer from-file");
  });

  const bad = [
    ["no such context", kubeconfig({}), "two", /no context "two"/],
    ["no such cluster", kubeconfig({}), "broken", /no cluster "nowhere"/],
    ["not YAML", "{{", undefined, /is not a kubeconfig/],
    ["a cluster without server", kubeconfig({}, { server: undefined }), undefined, /server is missing/],
    ["an auth-provider", kubeconfig({ "auth-provider": { name: "gcp" } }), undefined, /exec plugin/],
  ] as const;
  test.each(bad)("%s is CONFIG_INVALID and says so", (_name, text, context, message) => {
    const settings = context === undefined ? options : { ...options, context };
    expect(() => connectionFromKubeconfig({ text }, settings)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringMatching(message) }),
    );
  });
});

test("a token file is read again after a refusal, and a missing one keeps the last token", async () => {
  const path = join(folder, "rotating");
  writeFileSync(path, "first");
  const auth = tokenFile(path, quickClock);
  expect(await auth.authorization(operation())).toBe("Bearer first");
  writeFileSync(path, "second");
  expect(await auth.authorization(operation())).toBe("Bearer first");
  expect(auth.refused()).toBe(true);
  expect(await auth.authorization(operation())).toBe("Bearer second");
  rmSync(path);
  auth.refused();
  expect(await auth.authorization(operation())).toBe("Bearer second");
});

test("in a pod: the service account's token and authority", async () => {
  writeFileSync(join(folder, "token"), "pod-token");
  writeFileSync(join(folder, "ca.crt"), ca);
  const environment = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
  const connection = connectionInCluster({ ...options, environment, folder });
  expect(connection).toMatchObject({ name: "in-cluster", server: "https://[fd00::1]:443", tls: { ca } });
  expect(await connection?.auth.authorization(operation())).toBe("Bearer pod-token");
  expect(connectionInCluster({ ...options, environment: {} })).toBeUndefined();
});

describe("exec plugins", () => {
  const plugin = (script: string, more: object = {}): ReturnType<typeof execPlugin> =>
    execPlugin(
      { command: process.execPath, args: ["-e", script], env: [{ name: "EXTRA", value: "x" }], ...more },
      { clock: quickClock, environment: { ...process.env }, cluster: { server: "https://example.com" } },
    );
  const credential = (status: string): string =>
    `console.log(JSON.stringify({ kind: "ExecCredential", status: ${status} }))`;

  test("are told of the cluster and the API version, and are run once for concurrent requests", async () => {
    const script = credential(
      `{ token: [process.pid, process.env.EXTRA, process.env.KUBERNETES_EXEC_INFO].join("|") }`,
    );
    const auth = plugin(script, { provideClusterInfo: true });
    const [first, second] = await Promise.all([auth.authorization(operation()), auth.authorization(operation())]);
    expect(first).toBe(second);
    const [, extra, info] = (first ?? "").split("|");
    expect(extra).toBe("x");
    expect(JSON.parse(info ?? "")).toEqual({
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      spec: { interactive: false, cluster: { server: "https://example.com" } },
    });
  });

  test("are run again when their token ends, or is refused", async () => {
    const auth = plugin(credential(`{ token: String(process.pid), expirationTimestamp: "2001-01-01T00:00:00Z" }`));
    const first = await auth.authorization(operation());
    expect(await auth.authorization(operation())).not.toBe(first);
    const lasting = plugin(credential(`{ token: String(process.pid), expirationTimestamp: "2999-01-01T00:00:00Z" }`));
    const token = await lasting.authorization(operation());
    expect(await lasting.authorization(operation())).toBe(token);
    lasting.refused();
    expect(await lasting.authorization(operation())).not.toBe(token);
  });

  test("may give a client certificate", async () => {
    const auth = plugin(credential(`{ clientCertificateData: "cert", clientKeyData: "key" }`));
    expect(await auth.authorization(operation())).toBeUndefined();
    expect(auth.certificate?.()).toEqual({ cert: "cert", key: "key" });
  });

  const failures = [
    ["that fail", { args: ["-e", "console.error('log in first'); process.exit(3)"] }, /log in first/],
    ["that say nothing", { args: ["-e", ""] }, /not an ExecCredential/],
    ["that are not installed", { command: "no-such-plugin-here", installHint: "install it" }, /not found; install it/],
  ] as const;
  test.each(failures)("%s are PERMISSION_DENIED with the reason", async (_name, more, message) => {
    await expect(plugin("", more).authorization(operation())).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      message: expect.stringMatching(message),
    });
  });
});

describe("cluster Secrets", () => {
  const secret = (data: Record<string, string>): Parameters<typeof parseClusterSecret>[0] => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: "s",
      namespace: "argocd",
      labels: { "argocd.argoproj.io/secret-type": "cluster", env: "prod" },
      resourceVersion: "5",
    },
    data: Object.fromEntries(Object.entries(data).map(([name, value]) => [name, base64(value)])),
  });

  test("all fields", async () => {
    const config = {
      bearerToken: "t",
      tlsClientConfig: { caData: base64(ca), serverName: "n" },
      disableCompression: true,
    };
    const spec = parseClusterSecret(
      secret({
        name: "prod",
        server: "https://example.com/",
        config: JSON.stringify(config),
        namespaces: "a, b,",
        clusterResources: "true",
        project: "p",
        shard: "3",
      }),
    );
    expect(spec).toEqual({
      name: "prod",
      server: "https://example.com",
      config,
      namespaces: ["a", "b"],
      clusterResources: true,
      project: "p",
      shard: 3,
      labels: { env: "prod" },
      annotations: {},
      secret: { namespace: "argocd", name: "s", resourceVersion: "5" },
    });
    const connection = connectionFromClusterSecret(spec, options);
    expect(connection).toMatchObject({ tls: { ca, servername: "n" }, disableCompression: true });
    expect(await connection.auth.authorization(operation())).toBe("Bearer t");
  });

  test("the address stands in for a missing name", () => {
    expect(parseClusterSecret(secret({ server: "https://example.com" })).name).toBe("https://example.com");
  });

  const bad = [
    ["no server", { name: "a" }, /server is not an address/],
    ["a config that is no JSON", { server: "https://a", config: "{secret-token" }, /config is not JSON/],
    ["a shard that is no number", { server: "https://a", shard: "x" }, /shard is not a number/],
  ] as const;
  test.each(bad)("%s is CONFIG_INVALID, and names the Secret but nothing in it", (_name, data, message) => {
    let thrown: unknown;
    try {
      parseClusterSecret(secret(data));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringMatching(message) });
    expect((thrown as Error).message).toContain("argocd/s");
    expect(JSON.stringify([(thrown as Error).message, String((thrown as Error).cause)])).not.toContain("secret-token");
  });
});
