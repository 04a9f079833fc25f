// Administering by the command line, as a person or a script does it: accounts, projects with roles and tokens, clusters,
// repositories, and an application that lives in what was set up. The real program against a running system.
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey } from "openpgp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { selfSigned } from "#server/tls/self-signed.ts";
import { program, runToEnd, type Ended } from "../support/cli.ts";
import { clustersUnderTest } from "../support/cluster.ts";
import { startUp, type Up } from "../support/up.ts";

const cluster = "https://kubernetes.default.svc";

let up: Up;
let home = "";

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "driftless-cli-admin-"));
  mkdirSync(join(home, "state"));
  up = await startUp({ dataDir: join(home, "state", "driftless") });
  await driftless(["login", up.url, "--username", "admin", "--password", up.password, "--name", "day"]);
});
afterAll(async () => {
  await up?.stop();
  rmSync(home, { recursive: true, force: true });
});

function driftless(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly input?: string } = {},
): Promise<Ended> {
  return runToEnd(program, args, { home, ...options });
}

async function succeeds(...args: string[]): Promise<string> {
  const result = await driftless(args);
  expect(result, args.join(" ")).toMatchObject({ code: 0, err: "" });
  return result.out;
}

async function refused(...args: string[]): Promise<string> {
  const result = await driftless(args);
  expect(result.code, `${args.join(" ")}\n${result.out}`).toBe(20);
  return result.err;
}

const cells = (table: string, first: string): string[] =>
  (table.split("\n").find((line) => line.startsWith(first)) ?? "").trimEnd().split(/ {2,}/);

describe("an installation is set up", { timeout: 120_000 }, () => {
  test("accounts: who one is, what one may do, another password", async () => {
    await succeeds("login", up.url, "--username", "admin", "--password", up.password, "--name", "day");
    expect(cells(await succeeds("account", "list"), "admin")).toEqual(["admin", "true", "login"]);
    expect(await succeeds("account", "get")).toBe(
      "Name:               admin\nEnabled:            true\nCapabilities:       login\n\nTokens:\nNONE\n",
    );
    expect(await succeeds("account", "can-i", "sync", "applications", "default/*")).toBe("yes\n");
    expect(await refused("account", "can-i", "fly", "applications", "*")).toContain("fly is not a valid action");
    expect(await refused("account", "generate-token")).toContain("apiKey");
    const changed = ["--current-password", up.password, "--new-password", "another-good-one"];
    expect(await succeeds("account", "update-password", ...changed)).toBe("Password updated\nContext 'day' updated\n");
    expect(await refused("account", "update-password", ...changed)).not.toContain(up.password);
    const token = (await succeeds("account", "session-token")).trim();
    const byToken = await driftless(["account", "get-user-info"], {
      env: { DRIFTLESS_SERVER: up.url, DRIFTLESS_AUTH_TOKEN: token },
    });
    expect(byToken.out).toContain("Username: admin\n");
    expect(await succeeds("account", "bcrypt", "--password", "x")).toMatch(/^\$2[aby]\$10\$\S{53}\n$/);
  });

  test("a project is created, changed, shown and edited", async () => {
    const flags = ["--src", "https://git.example.com/*", "--dest", `${cluster},payments`, "--description", "money"];
    expect(await succeeds("proj", "create", "payments", ...flags)).toBe("");
    expect(await refused("proj", "create", "payments", "--src", "x")).toContain("use upsert flag");
    await succeeds("proj", "add-source", "payments", up.cloneUrl);
    expect(await succeeds("proj", "add-source", "payments", up.cloneUrl)).toContain("already allowed in project");
    await succeeds("proj", "add-destination", "payments", "in-cluster", "other", "--name");
    expect(await refused("proj", "add-destination", "payments", "in-cluster", "other", "--name")).toContain(
      "Specified destination is already defined in project",
    );
    expect(await succeeds("proj", "allow-cluster-resource", "payments", "", "Namespace")).toBe(
      "Group '' and kind 'Namespace' is added to allowed cluster resources\n",
    );
    expect(await succeeds("proj", "allow-cluster-resource", "payments", "", "Namespace")).toContain("already present");
    await succeeds("proj", "deny-namespace-resource", "payments", "", "ResourceQuota");
    await succeeds("proj", "add-orphaned-ignore", "payments", "", "ConfigMap", "--name", "generated-*");
    await succeeds("proj", "add-source-namespace", "payments", "team");
    await succeeds("proj", "add-destination-service-account", "payments", "https://other", "payments", "deployer");
    const shown = await succeeds("project", "get", "payments");
    expect(shown).toMatch(
      /^Name: {24}payments\nDescription: {17}money\nDestinations: {16}https:\S+,payments\n {29}in-/,
    );
    expect(shown).toMatch(/^Allowed Cluster Resources: {3}\/Namespace$/m);
    expect(shown).toMatch(/^Orphaned Resources: {10}enabled \(warn=\w+, ignored 1\)$/m);
    expect(cells(await succeeds("proj", "list"), "payments")).toEqual([
      "payments",
      "money",
      "2 destinations",
      "2 repos",
      "/Namespace",
      "1 resources",
      "<none>",
      expect.stringMatching(/^enabled/),
    ]);
    await succeeds("proj", "remove-orphaned-ignore", "payments", "", "ConfigMap", "--name", "generated-*");
    await succeeds("proj", "remove-source-namespace", "payments", "team");
    const account = ["https://other", "payments", "deployer"];
    await succeeds("proj", "remove-destination-service-account", "payments", ...account);
    await succeeds("proj", "remove-destination", "payments", "in-cluster", "other");
    await succeeds("proj", "set", "payments", "--description", "for money", "--orphaned-resources=false");
    const edited = await driftless(["proj", "edit", "payments"], { env: { EDITOR: "sed -i s/money/cash/" } });
    expect(edited).toMatchObject({ code: 0, out: "project 'payments' edited\n" });
    const { spec } = JSON.parse(await succeeds("proj", "get", "payments", "-o", "json")) as { spec: object };
    expect(spec).toMatchObject({ description: "for cash", destinations: [{ server: cluster, namespace: "payments" }] });
    expect(spec).not.toHaveProperty("orphanedResources");
  });

  test("its windows and signature policies", async () => {
    const window = ["--kind", "deny", "--schedule", "0 3 1 1 *", "--duration", "1h", "--applications", "x*,y"];
    await succeeds("proj", "windows", "add", "payments", ...window);
    expect(await refused("proj", "windows", "add", "payments", ...window, "--schedule", "never")).toMatch(
      /the window cannot be read/,
    );
    await succeeds("proj", "windows", "update", "payments", "0", "--duration", "2h");
    await succeeds("proj", "windows", "enable-manual-sync", "payments", "0");
    await succeeds("proj", "windows", "enable-sync-overrun", "payments", "0");
    const row = cells(await succeeds("proj", "windows", "list", "payments"), "0");
    expect(row.slice(2, 10)).toEqual(["deny", "0 3 1 1 *", "2h", "x*,y", "-", "-", "Enabled", "Enabled"]);
    expect(await refused("proj", "windows", "delete", "payments", "1")).toContain("there is no window 1");
    await succeeds("proj", "windows", "delete", "payments", "0");
    const policies = ["proj", "source-integrity", "git", "policies"];
    expect(await refused(...policies, "list", "payments")).toContain("No source integrity git policies");
    const added = await driftless([...policies, "add", "payments", "--repo-url", "a", "--gpg-mode", "none"]);
    expect(added).toMatchObject({ code: 0, err: expect.stringContaining("has no GPG keys") as string });
    const more = [...policies, "update", "payments", "0", "--add-repo-url", "b", "--delete-repo-url", "a"];
    expect(cells((await driftless(more)).out, "0")).toEqual(["0", "none", "<none>", "b"]);
    await succeeds(...policies, "delete", "payments", "0", "--yes");
  });

  test("roles: a token does what its role may, and no more", async () => {
    expect(await succeeds("proj", "role", "create", "payments", "ci")).toBe("Role 'ci' created\n");
    expect(await succeeds("proj", "role", "create", "payments", "ci")).toBe("Role 'ci' already exists\n");
    const policy = ["--action", "get", "--object", "*"];
    await succeeds("proj", "role", "add-policy", "payments", "ci", ...policy);
    await succeeds("proj", "role", "add-policy", "payments", "ci", "--action", "sync", "--object", "*");
    await succeeds("proj", "role", "remove-policy", "payments", "ci", "--action", "sync", "--object", "*");
    expect(await succeeds("proj", "role", "add-group", "payments", "ci", "team")).toBe(
      "Group 'team' added to role 'ci'\n",
    );
    const made = await succeeds("proj", "role", "create-token", "payments", "ci", "--expires-in", "7d", "--id", "one");
    expect(made).toMatch(
      /^Create token succeeded for proj:payments:ci\.\n {2}ID: one\n {2}Issued At: \S+Z\n {2}Expires At: \S+Z\n {2}Token: \S+\n$/,
    );
    const token = (await succeeds("proj", "role", "token-create", "payments", "ci", "--token-only")).trim();
    const shown = await succeeds("proj", "role", "get", "payments", "ci");
    expect(shown).toContain("p, proj:payments:ci, applications, get, payments/*, allow\n");
    expect(shown).toMatch(
      /^Groups:\n {2}- team\nJWT Tokens:\nID +ISSUED-AT +EXPIRES-AT\n\d+ +\S+ \((now|\d+ seconds? ago)\)/m,
    );
    expect(shown).not.toContain(token);
    const env = { DRIFTLESS_SERVER: up.url, DRIFTLESS_AUTH_TOKEN: token };
    const may = await driftless(["account", "can-i", "get", "applications", "payments/x"], { env });
    const mayNot = await driftless(["account", "can-i", "sync", "applications", "payments/x"], { env });
    expect([may.out, mayNot.out]).toEqual(["yes\n", "no\n"]);
    expect((await driftless(["proj", "delete", "payments"], { env })).err).toMatch(/permission denied/);
    const listed = await succeeds("proj", "role", "list-tokens", "payments", "ci", "--unixtime");
    const issuedAt = cells(listed, "one")[1]!;
    await succeeds("proj", "role", "delete-token", "payments", "ci", issuedAt);
    expect(await succeeds("proj", "role", "list-tokens", "payments", "ci")).not.toMatch(/^one /m);
    const kept = await driftless(["proj", "role", "delete", "payments", "ci", "--prompts-enabled"], { input: "n\n" });
    expect(kept.out).toBe("The command to delete role 'ci' was cancelled.\n");
    await succeeds("configure", "--prompts-enabled");
    expect((await driftless(["proj", "role", "delete", "payments", "ci"], { input: "y\n" })).out).toBe(
      "Role 'ci' deleted\n",
    );
    await succeeds("configure", "--prompts-enabled=false");
    expect((await driftless(["app", "list"], { env })).code).toBe(20);
  });

  test("a cluster of the kubeconfig is added, changed and removed", async () => {
    const kubeconfig = join(home, "kubeconfig");
    writeFileSync(kubeconfig, readFileSync(up.kubeconfig, "utf8"), { mode: 0o600 });
    const choices = await driftless(["cluster", "add", "--kubeconfig", kubeconfig]);
    expect(choices).toMatchObject({ code: 1, err: "Choose a context name from:\n" });
    const [, name = "", , server = ""] = cells(choices.out, "*");
    expect(await refused("cluster", "add", "nowhere", "--kubeconfig", kubeconfig)).toContain(
      "Context nowhere does not exist in kubeconfig",
    );
    const credential = join(home, "credential.json");
    const token = /token: "?([^\s"]+)/.exec(readFileSync(kubeconfig, "utf8"))?.[1] ?? "";
    const apiVersion = "client.authentication.k8s.io/v1beta1";
    writeFileSync(credential, JSON.stringify({ apiVersion, kind: "ExecCredential", status: { token } }));
    const exec = ["--exec-command", "cat", "--exec-command-args", credential, "--exec-command-api-version", apiVersion];
    const flags = ["--kubeconfig", kubeconfig, "--name", "second", "--label", "tier=test", ...exec];
    expect(await succeeds("cluster", "add", name, ...flags)).toBe(`Cluster '${server}' added\n`);
    expect(cells(await succeeds("cluster", "list"), server).slice(0, 2)).toEqual([server, "second"]);
    const shown = await succeeds("cluster", "get", "second");
    expect(shown).toMatch(/^name: second$/m);
    expect(shown).toMatch(/^ +tier: test$/m);
    expect(shown).not.toContain(token);
    expect(await succeeds("cluster", "set", "second", "--name", "third", "--namespace", "payments")).toBe(
      "Cluster 'second' updated.\n",
    );
    expect(await succeeds("cluster", "get", "third", "-o", "wide")).toMatch(/^ {2}Namespaces: +payments$/m);
    expect(await refused("cluster", "rotate-auth", "third")).toContain("service account's token");
    const removed = await driftless(["cluster", "rm", "third"]);
    expect(removed).toMatchObject({ code: 0, out: "Cluster 'third' removed\n" });
    expect(removed.err).toContain("Context third does not exist in kubeconfig");
    expect(await refused("cluster", "get", "third")).toContain('cluster "third" is not configured');
  });

  test("repositories and credentials: kept, listed without what lets one in, removed", async () => {
    expect(await succeeds("repo", "add", up.cloneUrl, "--name", "demo")).toBe(`Repository '${up.cloneUrl}' added\n`);
    expect(cells(await succeeds("repo", "list"), "git")).toEqual([
      "git",
      "demo",
      up.cloneUrl,
      "false",
      "false",
      "false",
      "false",
      "Successful",
    ]);
    expect(await succeeds("repo", "get", up.cloneUrl, "-o", "url")).toBe(`${up.cloneUrl}\n`);
    expect(await refused("repo", "add", up.cloneUrl, "--ssh-private-key-path", "/dev/null")).toContain("SSH");
    expect(await refused("repo", "add", "http://127.0.0.1:1/none.git")).not.toBe("");
    const creds = ["repocreds", "add", "https://git.example.com/", "--username", "git", "--password", "hush-hush"];
    expect(await succeeds(...creds)).toBe("Repository credentials for 'https://git.example.com/' added\n");
    const listed = (await succeeds("repocreds", "list")) + (await succeeds("repocreds", "list", "-o", "json"));
    expect(cells(listed, "https://git.example.com/").slice(0, 2)).toEqual(["https://git.example.com/", "git"]);
    expect(listed).not.toContain("hush-hush");
    await succeeds("repocreds", "rm", "https://git.example.com/");
    expect(await succeeds("repocreds", "list", "-o", "url")).toBe("");
  });

  test("an application lives in the project, from creation to deletion", async () => {
    await succeeds("proj", "allow-cluster-resource", "payments", "*", "*");
    const source = ["--repo", up.cloneUrl, "--path", "apps/monitoring", "--revision", "main"];
    const target = ["--dest-server", cluster, "--dest-namespace", "payments", "--sync-option", "CreateNamespace=true"];
    await succeeds("app", "create", "pay", "--project", "payments", ...source, ...target);
    await succeeds("app", "sync", "pay");
    await succeeds("app", "wait", "pay", "--timeout", "60");
    await succeeds("app", "set", "pay", "--path", "apps/platform-api");
    await succeeds("app", "sync", "pay", "--prune");
    const ids = (await succeeds("app", "history", "pay", "-o", "id")).trim().split("\n");
    expect(ids).toHaveLength(2);
    await succeeds("app", "rollback", "pay", ids[0]!, "--prune");
    expect(await refused("proj", "delete", "payments")).toContain("project is referenced by 1 applications (pay)");
    await succeeds("app", "delete", "pay", "--yes", "--wait");
    await succeeds("proj", "delete", "payments");
    expect(await succeeds("proj", "list", "-o", "name")).not.toContain("payments");
    await succeeds("repo", "rm", up.cloneUrl);
  });
});

describe("what repositories are trusted by", { timeout: 60_000 }, () => {
  test("certificates and host keys", async () => {
    const pem = join(home, "git.pem");
    const { cert } = await selfSigned(["git.example.com"], Date.now());
    writeFileSync(pem, `${cert}\n${cert}\n`);
    expect(await succeeds("cert", "add-tls", "--from", pem, "git.example.com")).toBe(
      "Created/updated TLS certificate entry for repository server git.example.com with 1 unique PEM certificates\n",
    );
    const lines = `# scanned\ngit.example.com,10.0.0.1 ${hostKey()}\n`;
    const added = await driftless(["cert", "add-ssh", "--batch"], { input: lines });
    expect(added).toMatchObject({ code: 0, out: "Successfully created 2 SSH known host entries\n" });
    const broken = await driftless(["cert", "add-ssh", "--batch"], { input: "git.example.com ssh-ed25519 AAAA\n" });
    expect(broken).toMatchObject({ code: 20, err: expect.stringContaining("line 1 is not a host's key") as string });
    const ssh = await succeeds("cert", "list", "--cert-type", "ssh", "--hostname-pattern", "git.example.*");
    expect(cells(ssh, "HOSTNAME")).toEqual(["HOSTNAME", "TYPE", "SUBTYPE", "INFO"]);
    expect(cells(ssh, "git.example.com")).toEqual([
      "git.example.com",
      "ssh",
      "ssh-ed25519",
      expect.stringMatching(/^SHA256:/),
    ]);
    expect(await refused("cert", "rm", "*")).toContain("A single wildcard is not allowed");
    expect(await succeeds("cert", "rm", "git.example.com", "--cert-type", "https")).toMatch(
      /^Removed cert for 'git\.example\.com' of type 'https'/,
    );
    expect(await succeeds("cert", "rm", "nowhere.example.com")).toContain("No certificates were removed");
  });

  test("public keys", async () => {
    const file = join(home, "key.asc");
    const { publicKey, privateKey } = await generateKey({ userIDs: [{ name: "Robin", email: "robin@example.com" }] });
    writeFileSync(file, privateKey);
    expect(await refused("gpg", "add", "--from", file)).toContain("holds a private key");
    writeFileSync(file, publicKey);
    expect(await succeeds("gpg", "add", "--from", file)).toBe("Created 1 key(s) from input file.\n");
    expect(await succeeds("gpg", "add", "--from", file)).toContain("1 key(s) were skipped");
    const id = /^([0-9A-F]{16}) +\S+ +Robin <robin@example\.com>$/m.exec(await succeeds("gpg", "list"))?.[1] ?? "";
    expect(await succeeds("gpg", "get", id)).toContain(`Key ID:          ${id}\n`);
    expect(await succeeds("gpg", "rm", id)).toBe(`Deleted key with key ID ${id}\n`);
    expect(await refused("gpg", "get", id)).toContain(id);
  });
});

test("ApplicationSets are created, shown and deleted", { timeout: 60_000 }, async () => {
  const file = join(home, "set.yaml");
  const source = { repoURL: up.cloneUrl, path: "apps/monitoring", targetRevision: "main" };
  const spec = { project: "default", source, destination: { server: cluster, namespace: "{{name}}" } };
  const metadata = { name: "previews" };
  const set = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "ApplicationSet",
    metadata,
    spec: { generators: [{ list: { elements: [] } }], template: { metadata: { name: "{{name}}" }, spec } },
  };
  writeFileSync(file, JSON.stringify(set));
  const created = await driftless(["appset", "create", file]);
  expect(created).toMatchObject({ code: 0, out: "ApplicationSet 'previews' created\n", err: "" });
  expect(await succeeds("appset", "create", file)).toBe("ApplicationSet 'previews' unchanged\n");
  expect(cells(await succeeds("appset", "list"), "argocd/previews").slice(0, 2)).toEqual([
    "argocd/previews",
    "default",
  ]);
  expect(await succeeds("appset", "get", "previews")).toMatch(/^Path: {15}apps\/monitoring$/m);
  const generated = await driftless(["appset", "generate", file, "-o", "json"]);
  // What it would make, or that nothing is generated yet.
  expect(generated.out + generated.err).toMatch(/^\[\]\n$|not|later/);
  expect(await succeeds("appset", "delete", "previews", "--yes", "--wait")).toBe("applicationset 'previews' deleted\n");
  expect(await refused("appset", "get", "previews")).toContain("not found");
});

const [real] = clustersUnderTest({ name: "cluster add", cases: 1 }).filter(({ name }) => name === "kubernetes");

test.skipIf(!real)(
  "a service account is made on a real cluster, its token rotated, all of it removed",
  { timeout: 120_000 },
  async () => {
    const second = await real!.start();
    try {
      const choose = ["--kubeconfig", second.kubeconfig];
      const context = cells((await driftless(["cluster", "add", ...choose])).out, "*")[1]!;
      const added = await driftless(["cluster", "add", context, ...choose]);
      expect(added).toMatchObject({ code: 0, out: expect.stringMatching(/^Cluster 'https:\S+' added\n$/) as string });
      expect(added.err).toContain('ServiceAccount "kube-system/argocd-manager" created\n');
      expect(added.err + added.out).not.toMatch(/eyJ/);
      const shown = await succeeds("cluster", "get", context, "-o", "json");
      expect(shown).not.toMatch(/eyJ|BEGIN/);
      expect(await succeeds("cluster", "rotate-auth", context)).toBe(`Cluster '${context}' rotated auth\n`);
      const again = await driftless(["cluster", "add", context, ...choose, "--upsert", "--yes"]);
      expect(again).toMatchObject({
        code: 0,
        err: expect.stringContaining('ClusterRole "argocd-manager-role" updated') as string,
      });
      const removed = await driftless(["cluster", "rm", context, "--yes", ...choose]);
      expect(removed).toMatchObject({ code: 0, out: `Cluster '${context}' removed\n` });
      expect(removed.err).toContain('ClusterRoleBinding "argocd-manager-role-binding" deleted\n');
    } finally {
      await second.stop();
    }
  },
);

/** An SSH host key as `ssh-keyscan` prints it. */
function hostKey(): string {
  const { publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const kind = Buffer.from("ssh-ed25519");
  const length = (size: number): Buffer => Buffer.from([0, 0, 0, size]);
  const blob = Buffer.concat([length(kind.length), kind, length(raw.length), raw]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}
