// Does what docs/guides/getting-started.md and operating.md say, on a sandbox of its own, and looks whether it comes true.
import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const program = join(root, "src", "main", "driftless.ts");
const guide = (name: string): string => readFileSync(join(root, "docs", "guides", name), "utf8");
const work = mkdtempSync(join(tmpdir(), "driftless-docs-"));
const dataDir = join(work, "data");
const startedWithinMs = 60_000;
const deadlineMs = 20_000;

let running: ChildProcess;
const facts = { page: "", password: "", repository: "", token: "" };

const flags = ["--port", "0", "--git-port", "0"];
const run = (...args: string[]): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, [program, ...args], { encoding: "utf8", timeout: startedWithinMs });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + deadlineMs; performance.now() < end; await pause(50)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`${what}: not within ${deadlineMs} ms`);
}

function started(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout!.on("data", (chunk) => {
      text += String(chunk);
      if (text.includes("Ctrl-C stops")) resolve(text);
    });
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}

async function api(path: string, init: RequestInit = {}): Promise<unknown> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${facts.token}` };
  const answer = await fetch(facts.page + path, { headers, ...init });
  return answer.ok ? answer.json() : undefined;
}

beforeAll(async () => {
  running = spawn(process.execPath, [program, "up", "--data-dir", dataDir, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const text = await started(running);
  facts.page = /http:\/\/localhost:\d+/.exec(text)![0];
  facts.password = /Log in +admin +(\S+)/.exec(text)![1]!;
  facts.repository = /git clone (\S+)/.exec(text)![1]!;
  const session = JSON.stringify({ username: "admin", password: facts.password });
  facts.token = ((await api("/api/v1/session", { method: "POST", body: session })) as { token: string }).token;
}, startedWithinMs);

afterAll(async () => {
  const ended = new Promise((resolve) => running.once("exit", resolve));
  running.kill("SIGTERM");
  await ended;
  rmSync(work, { recursive: true, force: true });
});

test("the demo's applications become what Getting started shows", async () => {
  const shown = [...guide("getting-started.md").matchAll(/^(\S+) +Synced +Healthy$/gm)].map((match) => match[1]!);
  expect(shown.length).toBeGreaterThan(3);
  await until("all applications synced and healthy", async () => {
    const { items } = (await api("/api/v1/applications")) as {
      items: { metadata: { name: string }; status?: { sync?: { status: string }; health?: { status: string } } }[];
    };
    const good = items.filter(({ status }) => status?.sync?.status === "Synced" && status.health?.status === "Healthy");
    return items.length === shown.length && good.map(({ metadata }) => metadata.name).join() === shown.join()
      ? true
      : undefined;
  });
});

test("an application of one's own, as Getting started makes it, arrives", async () => {
  const clone = join(work, "demo");
  const git = (...args: string[]): string => execFileSync("git", ["-C", clone, ...args], { encoding: "utf8" });
  execFileSync("git", ["clone", "--quiet", facts.repository, clone]);
  const steps = guide("getting-started.md").matchAll(/^`([\w./-]+\.yaml)`[^\n]*:\n\n```yaml\n([\s\S]*?)^```/gm);
  const files = [...steps].map((match) => [match[1]!, match[2]!] as const);
  expect(files.map(([file]) => file)).toEqual(["apps/hello/config.yaml", "argocd-apps/hello.yaml"]);
  for (const [file, text] of files) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    writeFileSync(join(clone, file), text.replaceAll("http://127.0.0.1:8081/demo.git", facts.repository));
  }
  git("add", ".");
  git("-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "Hello");
  git("push", "--quiet");
  const tree = await until("the ConfigMap is live", async () => {
    const { nodes = [] } = ((await api("/api/v1/applications/hello/resource-tree")) ?? {}) as { nodes?: object[] };
    return nodes.length > 0 ? nodes : undefined;
  });
  expect(tree).toContainEqual(expect.objectContaining({ kind: "ConfigMap", name: "hello", namespace: "hello" }));
});

test("the webhook of Repositories is answered as it says", async () => {
  const body = /-d '(.+)'/
    .exec(guide("repositories.md"))![1]!
    .replace("http://127.0.0.1:8081/demo.git", facts.repository);
  const headers = { "content-type": "application/json", "x-github-event": "push" };
  const answer = await fetch(`${facts.page}/api/webhook`, { method: "POST", headers, body });
  expect([answer.status, await answer.json()]).toEqual([200, {}]);
});

test("each command of Preview does what it says, on a branch of the demo", { timeout: 90_000 }, async () => {
  const clone = join(work, "preview");
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", clone, "-c", "user.name=A", "-c", "user.email=a@example.com", ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  execFileSync("git", ["clone", "--quiet", facts.repository, clone]);
  git("tag", "v1.2.3");
  git("push", "--quiet", "origin", "v1.2.3");
  git("checkout", "--quiet", "-b", "topic");
  const more = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: more }\n";
  writeFileSync(join(clone, "apps/monitoring/more.yaml"), more);
  git("add", ".");
  git("commit", "--quiet", "-m", "More");
  git("push", "--quiet", "origin", "topic");
  const lines = [...guide("preview.md").matchAll(/^driftless .*$/gm)].map(([line]) =>
    line.replaceAll(/\bweb\b/g, "monitoring"),
  );
  expect(lines.length).toBeGreaterThan(6);
  const env = { ...process.env, DRIFTLESS_SERVER: facts.page, DRIFTLESS_AUTH_TOKEN: facts.token, BRANCH: "topic" };
  const shell = (line: string): Promise<{ line: string; code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      const command = line.replace(/^driftless/, `"${join(root, "bin", "driftless")}"`);
      execFile("sh", ["-c", command], { cwd: clone, env, timeout: startedWithinMs }, (error, out, err) =>
        resolve({ line, code: error ? Number(error.code) : 0, out, err }),
      );
    });
  const ended = [];
  for (const line of lines) ended.push(await shell(line));
  // `app diff` says by 1 that there are differences.
  const wrong = ended.filter(({ line, code, err }) => err !== "" || code !== (/diff .*--local/.test(line) ? 1 : 0));
  expect(wrong).toEqual([]);
  const shown = ended.filter(({ line }) => line.startsWith("driftless preview ") && !line.includes(">"));
  expect(shown.filter(({ out }) => !out.includes("kind: ConfigMap"))).toEqual([]);
  const comment = readFileSync(join(clone, "comment.md"), "utf8");
  expect(comment).toMatch(/^### 1 of \d+ applications changes: 1 object added\./);
});

describe("Operating", () => {
  const text = guide("operating.md");

  test("lists every flag of `driftless up`, and no other", () => {
    const help = String(run("up", "--help").stdout);
    const has = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1]!);
    const says = [...text.matchAll(/^\| `(--[a-z-]+)/gm)].map((match) => match[1]!);
    expect(says.toSorted()).toEqual(has.toSorted());
  });

  test("lists every metric, and no other", async () => {
    const headers = { authorization: `Bearer ${facts.token}` };
    const scrape = await (await fetch(`${facts.page}/metrics`, { headers })).text();
    const has = [...scrape.matchAll(/^# HELP (\S+)/gm)].map((match) => match[1]!);
    const says = [...text.matchAll(/^\| `([a-z]+_\w+)` \|/gm)].map((match) => match[1]!);
    expect(says.toSorted()).toEqual(has.toSorted());
  });

  test.each([
    ["a wrong flag", 2, ["up", "--port", "x"]],
    ["a kubeconfig that is not there", 2, ["up", "--data-dir", join(work, "other"), "--kubeconfig", "/nowhere"]],
    ["a data directory in use", 5, ["up", "--data-dir", dataDir, ...flags]],
  ] as const)("gives the exit code for %s", (_, code, args) => {
    expect(text).toMatch(new RegExp(`^\\| ${code} \\|`, "m"));
    const ended = run(...args);
    expect(ended.status).toBe(code);
    expect(String(ended.stderr)).not.toMatch(/^ +at /m);
  });

  test("gives the exit code for a port that is taken", () => {
    const port = new URL(facts.page).port;
    expect(run("up", "--data-dir", join(work, "third"), "--port", port, "--git-port", "0").status).toBe(4);
  });
});
