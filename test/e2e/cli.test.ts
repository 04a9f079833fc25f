// The command line as a person or a script uses it: the real program against a running system, with its exit codes, its
// sentences and the tables that scripts parse.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Application } from "#model/application.ts";
import { program, runToEnd, type Ended } from "../support/cli.ts";
import { cloneRepository } from "../support/repository.ts";
import { startUp, type Up } from "../support/up.ts";

const cluster = "https://kubernetes.default.svc";

let up: Up;
let home = "";

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "driftless-cli-"));
  mkdirSync(join(home, "state"));
  up = await startUp({ dataDir: join(home, "state", "driftless") });
});
afterAll(async () => {
  await up?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Runs the program with a home of its own; `state` is where it looks for a `driftless up` of this machine. */
function driftless(
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string; state?: boolean; interruptAfter?: string } = {},
): Promise<Ended> {
  const { state, env, ...more } = options;
  const looksIn = join(home, state ? "state" : "nothing");
  return runToEnd(program, args, { home, ...more, env: { XDG_STATE_HOME: looksIn, ...env } });
}

async function succeeds(...args: string[]): Promise<string> {
  const result = await driftless(args);
  expect(result.err).toBe("");
  expect(result.code, `${args.join(" ")}\n${result.out}`).toBe(0);
  return result.out;
}

const application = async (name: string): Promise<Application> =>
  JSON.parse(await succeeds("app", "get", name, "-o", "json")) as Application;

/** The cells of a table's line that begins with a word; columns are two spaces or more apart. */
const cells = (table: string, first: string): string[] =>
  (table.split("\n").find((line) => line.startsWith(first)) ?? "").trimEnd().split(/ {2,}/);

const created = (name: string): string[] => [
  "app",
  "create",
  name,
  "--repo",
  up.cloneUrl,
  "--path",
  "apps/monitoring",
  "--revision",
  "main",
  "--dest-server",
  cluster,
  "--dest-namespace",
  name,
  "--sync-option",
  "CreateNamespace=true",
];

describe("a day", { timeout: 120_000 }, () => {
  test("login keeps a private token in the configuration file", async () => {
    const result = await succeeds("login", up.url, "--username", "admin", "--password", up.password, "--name", "day");
    expect(result).toBe("'admin:login' logged in successfully\nContext 'day' updated\n");
    const file = join(home, ".config", "driftless", "config");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).not.toContain(up.password);
    expect(cells(await succeeds("context"), "*")).toEqual(["*", "day", up.url.replace("http://", "")]);
    expect(await succeeds("account", "get-user-info")).toContain("Username: admin\n");
  });

  test("create, and create again", async () => {
    expect(await succeeds(...created("day"), "--label", "suite=cli")).toBe("application 'day' created\n");
    expect(await succeeds(...created("day"), "--label", "suite=cli")).toBe("application 'day' unchanged\n");
    const other = await driftless([...created("day"), "--directory-recurse"]);
    expect(other).toMatchObject({ code: 20, out: "" });
    expect(other.err).toContain("existing application spec is different");
    const upserted = await succeeds(...created("day"), "--label", "suite=cli", "--directory-recurse", "--upsert");
    expect(upserted).toBe("application 'day' updated\n");
  });

  test("plan tells the steps of a sync before it runs, and windows when it may", async () => {
    await succeeds("app", "get", "day", "--refresh");
    const plan = await succeeds("app", "plan", "day");
    expect(plan).toMatch(/^Plan of a sync to [0-9a-f]{40}: \d+ to create$/m);
    expect(cells(plan, "PreSync")).toEqual(["PreSync", "0", "create", "Namespace", "day", "by CreateNamespace=true"]);
    expect(plan).toMatch(/^Sync +0 +create +apps +DaemonSet +day +node-agent/m);
    expect(JSON.parse(await succeeds("app", "plan", "day", "-o", "json"))).toMatchObject({ running: false });
    expect(await succeeds("app", "get", "day")).toMatch(/^SyncWindow: {9}Sync Allowed$/m);
    expect(await succeeds("proj", "windows", "list", "default")).toMatch(/^ID +STATUS +KIND/);
  });

  test("list and get", async () => {
    const list = await succeeds("app", "list", "-l", "suite=cli");
    expect(list.split("\n")[0]?.split(/ {2,}/)).toEqual(
      "NAME CLUSTER NAMESPACE PROJECT STATUS HEALTH SYNCPOLICY CONDITIONS REPO PATH TARGET".split(" "),
    );
    await succeeds("app", "get", "day", "--refresh");
    expect(cells(await succeeds("app", "list", "-l", "suite=cli"), "argocd/day")).toEqual([
      "argocd/day",
      cluster,
      "day",
      "default",
      "OutOfSync",
      "Missing",
      "Manual",
      "<none>",
      up.cloneUrl,
      "apps/monitoring",
      "main",
    ]);
    expect(await succeeds("app", "list", "-o", "name", "-l", "suite in (cli,other)")).toBe("argocd/day\n");
    expect(await succeeds("app", "list", "-o", "name", "-p", "nowhere")).toBe("");
    const shown = await succeeds("app", "get", "day");
    expect(shown).toMatch(/^Name: {15}argocd\/day$/m);
    expect(shown).toMatch(/^Sync Status: {8}OutOfSync from main \([0-9a-f]{7}\)$/m);
    expect(cells(shown, "apps")).toEqual(
      expect.arrayContaining(["apps", "DaemonSet", "day", "node-agent", "OutOfSync"]),
    );
  });

  test("diff tells by its exit code", async () => {
    const result = await driftless(["app", "diff", "day"]);
    expect(result).toMatchObject({ code: 1, err: "" });
    expect(result.out).toContain("===== apps/DaemonSet day/node-agent ======");
    expect(result.out).toContain("+kind: DaemonSet");
    expect((await driftless(["app", "diff", "day", "--exit-code=false"])).code).toBe(0);
    expect((await driftless(["app", "diff", "day", "--diff-exit-code", "9"])).code).toBe(9);
    const external = await driftless(["app", "diff", "day"], { env: { KUBECTL_EXTERNAL_DIFF: "echo differ -x" } });
    expect(external.code).toBe(1);
    expect(external.out).toMatch(/differ -x \S+node-agent-live\.yaml \S+node-agent\n/);
  });

  test("a dry run changes nothing; sync and wait make it so", async () => {
    await succeeds("app", "sync", "day", "--dry-run");
    expect((await application("day")).status?.history ?? []).toEqual([]);
    const synced = await succeeds("app", "sync", "day");
    expect(synced.split("\n")[0]?.trim().split(/ +/)).toEqual(
      "TIMESTAMP GROUP KIND NAMESPACE NAME STATUS HEALTH HOOK MESSAGE".split(" "),
    );
    expect(synced).toMatch(/^Phase: {14}Succeeded$/m);
    const waited = await succeeds("app", "wait", "day", "--timeout", "60");
    expect(waited).toMatch(/^Health Status: {6}Healthy$/m);
    expect(cells(waited, "apps")).toEqual(
      expect.arrayContaining(["apps", "DaemonSet", "day", "node-agent", "Synced", "Healthy"]),
    );
    await succeeds("app", "wait", "day", "--health", "--resource", "apps:DaemonSet:node-agent", "--timeout", "60");
    expect((await driftless(["app", "diff", "day", "--refresh"])).code).toBe(0);
  });

  test("resources, tree and manifests", async () => {
    expect(cells(await succeeds("app", "resources", "day"), "apps")).toEqual([
      "apps",
      "DaemonSet",
      "day",
      "node-agent",
      "No",
    ]);
    expect(await succeeds("app", "get", "day", "-o", "tree")).toMatch(
      /^DaemonSet\/node-agent .*\n├─ControllerRevision/m,
    );
    const manifests = await succeeds("app", "manifests", "day");
    expect(manifests.match(/^---$/gm)).toHaveLength(3);
    expect(await succeeds("app", "manifests", "day", "--source", "live")).toContain("uid: ");
  });

  test("logs of what owns pods, each line with its pod in front", async () => {
    const lines = await succeeds("app", "logs", "day", "--kind", "DaemonSet", "--name", "node-agent", "--tail", "5");
    expect(lines).toMatch(/^node-agent-\w+ \S/m);
    expect(await succeeds("app", "logs", "day", "--filter", "!:", "--tail", "5")).toBe("");
  });

  test("actions of resources: listed, run, refused", async () => {
    const list = await succeeds("app", "actions", "list", "day", "--kind", "DaemonSet");
    expect(cells(list, "GROUP")).toEqual(["GROUP", "KIND", "NAME", "ACTION", "DISABLED"]);
    expect(cells(list, "apps")).toEqual(["apps", "DaemonSet", "node-agent", "restart", "false"]);
    const target = ["--kind", "DaemonSet", "--resource-name", "node-agent"];
    await succeeds("app", "actions", "run", "day", "restart", ...target);
    expect(JSON.parse(await succeeds("app", "actions", "list", "day", ...target, "-o", "json"))).toEqual([
      { group: "apps", kind: "DaemonSet", name: "node-agent", action: "restart", disabled: false },
    ]);
    expect(await succeeds("app", "manifests", "day", "--source", "live")).toContain(
      "kubectl.kubernetes.io/restartedAt",
    );
    const unknown = await driftless(["app", "actions", "run", "day", "explode"]);
    expect(unknown.code).not.toBe(0);
    expect(unknown.err).toContain(`no matching resource of day has an action "explode"`);
    const bad = await driftless(["app", "actions", "run", "day", "restart", ...target, "--param", "nonsense"]);
    expect(bad.code).not.toBe(0);
    expect(bad.err).toContain("NAME=VALUE");
  });

  test("set, then only one resource is synced", async () => {
    await succeeds("app", "set", "day", "--path", "apps/platform-api");
    expect((await application("day")).spec.source?.path).toBe("apps/platform-api");
    await succeeds("app", "get", "day", "--refresh");
    await succeeds("app", "sync", "day", "--resource", ":Service:platform-api");
    const states = (await application("day")).status?.resources ?? [];
    const synced = states.filter((item) => item.status === "Synced").map((item) => item.kind);
    expect(synced).toEqual(["Service"]);
  });

  test("what is no longer in Git waits for --prune, and says so", async () => {
    const left = await driftless(["app", "sync", "day"]);
    expect(left.code).toBe(1);
    expect(left.err).toMatch(/\d resources require pruning/);
    await succeeds("app", "sync", "day", "--prune");
    await succeeds("app", "wait", "day", "--sync", "--timeout", "60");
    expect((await application("day")).status?.sync?.status).toBe("Synced");
  });

  test("history and rollback", async () => {
    const ids = (await succeeds("app", "history", "day", "-o", "id")).trim().split("\n");
    expect(ids.length).toBeGreaterThan(1);
    const table = await succeeds("app", "history", "day");
    expect(table).toMatch(/^SOURCE {2}http.*\nID {6}DATE {27}REVISION\n0 {7}2\d{3}-.* \+0000 UTC {2}main \(/);
    await succeeds("app", "rollback", "day", ids[0]!, "--prune");
    const last = (await application("day")).status?.operationState;
    expect(last?.operation.sync?.source?.path).toBe("apps/monitoring");
    expect((await driftless(["app", "rollback", "day", "4711"])).err).toContain("does not have deployment id '4711'");
  });

  test("patch, edit and unset", async () => {
    const repository = await cloneRepository(up.cloneUrl);
    const note = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: note }\n";
    await repository.push({ "apps/note/kustomization.yaml": "resources: [note.yaml]\n", "apps/note/note.yaml": note });
    repository.close();
    const source = { path: "apps/note", directory: null, kustomize: { images: ["a:1", "b:2"] } };
    const patch = JSON.stringify({ spec: { source } });
    const nowhere = JSON.stringify({ spec: { source: { ...source, path: "apps/nowhere" } } });
    const refused = await driftless(["app", "patch", "day", "--type", "merge", "--patch", nowhere]);
    expect(refused).toMatchObject({ code: 20, out: "", err: expect.stringContaining("apps/nowhere") });
    expect(await succeeds("app", "patch", "day", "--type", "merge", "--patch", patch)).toContain("- a:1");
    await succeeds("app", "unset", "day", "--kustomize-image", "a");
    expect((await application("day")).spec.source?.kustomize).toEqual({ images: ["b:2"] });
    const edited = await driftless(["app", "edit", "day"], { env: { EDITOR: "sed -i s/b:2/c:3/" } });
    expect(edited).toMatchObject({ code: 0, out: "application 'day' edited\n" });
    expect((await application("day")).spec.source?.kustomize).toEqual({ images: ["c:3"] });
    const untouched = await driftless(["app", "edit", "day"], { env: { EDITOR: "true" } });
    expect(untouched.out).toBe("Edit cancelled, no changes made.\n");
  });

  test("several Applications from a file or standard input", async () => {
    const yaml = (name: string): string =>
      JSON.stringify({
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Application",
        metadata: { name, labels: { batch: "one" } },
        spec: {
          project: "default",
          source: { repoURL: up.cloneUrl, path: "apps/monitoring" },
          destination: { server: cluster, namespace: name },
        },
      });
    const input = `${yaml("batch-a")}\n---\n${yaml("batch-b")}\n`;
    const result = await driftless(["app", "create", "-f", "-"], { input });
    expect(result).toMatchObject({ code: 0, out: "application 'batch-a' created\napplication 'batch-b' created\n" });
    const file = join(home, "other.yaml");
    writeFileSync(file, `${yaml("batch-c")}\n---\nkind: ConfigMap\nmetadata: {name: x}\n`);
    const refused = await driftless(["app", "create", "-f", file]);
    expect(refused).toMatchObject({ code: 20, out: "" });
    expect(refused.err).toBe(`driftless: document 2 of ${file} is a ConfigMap, not an Application.\n`);
    expect(await succeeds("app", "delete", "-l", "batch=one", "--wait")).toContain(
      "application 'argocd/batch-b' deleted",
    );
  });

  test("delete with its resources", async () => {
    expect(await succeeds("app", "delete", "day", "--yes", "--wait")).toBe("application 'day' deleted\n");
    expect((await driftless(["app", "get", "day"])).code).toBe(20);
  });
});

describe("bad input ends with a sentence and a code", () => {
  test.each<readonly [readonly string[], number, RegExp]>([
    [["app", "get", "nope"], 20, /^driftless: .*"nope" not found\. .*\n$/],
    [["app", "diff", "nope"], 2, /^driftless: .*"nope" not found\. .*\n$/],
    [["app", "sync", "-l", "no=such"], 20, /^driftless: no applications match selector no=such\.\n$/],
    [["app", "sync"], 20, /^driftless: name an application, or choose some with --selector\.\n$/],
    [["app", "list", "--outptu", "x"], 1, /^driftless: unknown flag '--outptu' \(Did you mean --output\?\)\.\n$/],
    [["app", "lsit"], 1, /^driftless: there is no command driftless app lsit; did you mean driftless app list\?\n$/],
    [["app", "list", "-o", "xml"], 20, /^driftless: unknown output format: xml .*\n$/],
    [["app", "list", "-l", "a in b"], 20, /^driftless: cannot read "a in b" in the selector\.\n$/],
    [["app", "set", "nope"], 20, /^driftless: Please set at least one option to update.*\n$/],
    [
      ["app", "create", "Bad_Name", "--repo", "x", "--path", "y", "--dest-name", "z"],
      20,
      /^driftless: .*"Bad_Name" is not a valid name\.\n$/,
    ],
    [["app", "patch", "nope", "--patch", "{"], 20, /^driftless: --patch is not JSON: .*\n$/],
    [["app", "logs", "nope"], 20, /^driftless: applications\.argoproj\.io "nope" not found.*\n$/],
    [["context", "nope"], 20, /^driftless: there is no context "nope" in .*\n$/],
    [["completion", "tcsh"], 20, /^driftless: there is no completion for tcsh: bash, zsh or fish\.\n$/],
  ])("%j", async (args, code, sentence) => {
    const result = await driftless(args);
    expect(result.out).toBe("");
    expect(result.err).toMatch(sentence);
    expect(result.code).toBe(code);
  });

  test("a wrong password", async () => {
    const result = await driftless(["login", up.url, "--username", "somebody", "--password", "wrong", "--name", "x"]);
    expect(result).toMatchObject({ code: 20, out: "" });
    expect(result.err).toMatch(/^driftless: Invalid username or password\./);
  });

  test("no password and no terminal", async () => {
    const result = await driftless(["login", up.url, "--username", "admin"]);
    expect(result).toMatchObject({
      code: 20,
      err: "driftless: --password is missing, and there is no terminal to ask on.\n",
    });
  });

  test("a server that is not there", async () => {
    const result = await driftless(["app", "list", "--server", "http://127.0.0.1:1"]);
    expect(result.code).toBe(20);
    expect(result.err).toMatch(
      /^driftless: the server http:\/\/127\.0\.0\.1:1 cannot be reached: nothing listens there\. /,
    );
  });

  test("a token that is not valid", async () => {
    const result = await driftless(["app", "list"], { env: { ARGOCD_SERVER: up.url, ARGOCD_AUTH_TOKEN: "x.y.z" } });
    expect(result.code).toBe(20);
    expect(result.err).toMatch(/^driftless: no valid session: log in\. Log in again: driftless login SERVER\.\n$/);
  });

  test("no server at all", async () => {
    mkdirSync(join(home, "empty"), { recursive: true });
    const result = await driftless(["app", "list"], { env: { HOME: join(home, "empty") } });
    expect(result.code).toBe(20);
    expect(result.err).toMatch(/^driftless: no server is configured: start one with driftless up,/);
  });

  test("a wait that is not met in time shows the state and ends", async () => {
    const result = await driftless(["app", "wait", "root", "--suspended", "--timeout", "1"]);
    expect(result.code).toBe(20);
    expect(result.out).toContain("This is the state of the app after `wait` timed out:");
    expect(result.err).toBe('driftless: timed out (1s) waiting for app "root" match desired state.\n');
  });

  test("Ctrl-C leaves quietly", async () => {
    const result = await driftless(["app", "wait", "root", "--suspended"], { interruptAfter: "TIMESTAMP" });
    expect(result).toMatchObject({ code: 130, err: "" });
  });
});

describe("on the machine of driftless up", () => {
  const fresh = (): { env: Record<string, string>; state: true } => ({
    env: { HOME: join(home, "fresh") },
    state: true,
  });

  test("commands need no login, and say which server they use only when asked", async () => {
    const result = await driftless(["app", "list", "-o", "name"], fresh());
    expect(result).toMatchObject({ code: 0, err: "" });
    expect(result.out).toContain("argocd/root\n");
    const told = await driftless(["app", "list", "-v"], fresh());
    expect(told.err).toContain(`server address=${up.url}`);
    expect(statSync(join(up.dataDir, "cli.json")).mode & 0o777).toBe(0o600);
  });

  test("completion knows commands, flags and applications", async () => {
    const words = async (...typed: string[]): Promise<string[]> =>
      (await driftless(["completion", "words", "--", ...typed], fresh())).out.trim().split("\n");
    expect(await words("app", "ro")).toEqual(["rollback"]);
    expect(await words("app", "sync", "--dry")).toEqual(["--dry-run"]);
    expect(await words("app", "get", "ro")).toEqual(["root"]);
    for (const shell of ["bash", "zsh", "fish"]) expect(await succeeds("completion", shell)).toContain("driftless");
  });

  test("a short command loads little, so that it starts quickly", async () => {
    const hook =
      'import { registerHooks } from "node:module"; import { writeSync } from "node:fs"; registerHooks({ load(url, context, next) { writeSync(2, url + "\\n"); return next(url, context); } });';
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
    for (const args of [
      ["version", "--client"],
      ["app", "list"],
    ]) {
      const loaded = (await driftless(args, { state: true, env: { ...env, HOME: join(home, "fresh") } })).err
        .trim()
        .split("\n");
      const packages = loaded.flatMap((url) => /node_modules\/([^/]+)/.exec(url)?.[1] ?? []);
      expect([...new Set(packages)]).toEqual(["commander"]);
      // Importing node:http evaluates undici, too: it is taken from the runtime instead.
      expect(loaded).not.toContain("node:http");
      expect(loaded.length).toBeLessThan(60);
    }
  });

  test("versions of program and server", async () => {
    const result = await driftless(["version", "-o", "json"], fresh());
    const { client, server } = JSON.parse(result.out) as { client: { Version: string }; server: { Version: string } };
    expect(client.Version).toMatch(/^v\d+\.\d+\.\d+$/);
    expect(client.Version).toContain(server.Version);
  });
});
