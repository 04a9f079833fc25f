// What is offered while a command line is typed: by the program itself, and through the scripts in real shells.
import { spawnSync, execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commands, groups } from "../commands.ts";
import { suggestions } from "./complete.ts";
import type { Asking } from "./complete-names.ts";
import type { Context } from "../context.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..", "..");
const home = mkdtempSync(join(tmpdir(), "driftless-complete-"));
const answers: Readonly<Record<string, unknown>> = {
  "/api/v1/applications": { items: ["web", "worker"].map((name) => ({ metadata: { name, namespace: "argocd" } })) },
  "/api/v1/applications/web": { metadata: { name: "web" }, spec: {}, status: { history: [{ id: 7 }, { id: 8 }] } },
  "/api/v1/projects": { items: [{ metadata: { name: "default" } }, { metadata: { name: "payments" } }] },
  "/api/v1/projects/payments": { metadata: { name: "payments" }, spec: { roles: [{ name: "ci" }, { name: "dev" }] } },
  "/api/v1/clusters": { items: [{ name: "prod", server: "https://prod:6443" }] },
  "/api/v1/repositories": { items: [{ repo: "https://git.example.com/a.git" }] },
};
const asked: string[] = [];
const server = createServer((request, response) => {
  const path = request.url!.split("?")[0]!;
  asked.push(`${path} ${request.headers.authorization ?? ""}`.trim());
  const body = answers[path];
  response.writeHead(body ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(body ?? {}));
});
let address = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const contexts = ["here", "there"].map((name) => ({ name, server: `${name}.example.com`, user: name }));
  writeFileSync(join(home, "config"), JSON.stringify({ contexts }));
  writeFileSync(
    join(home, "kubeconfig"),
    JSON.stringify({
      clusters: [{ name: "c", cluster: { server: "https://c" } }],
      contexts: [{ name: "kind-dev", context: { cluster: "c", user: "u" } }],
    }),
  );
  symlinkSync(join(root, "bin", "driftless"), join(home, "driftless"));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(home, { recursive: true });
});

const env = (): Record<string, string> => ({
  PATH: `${home}:${process.env["PATH"] ?? ""}`,
  HOME: home,
  KUBECONFIG: join(home, "kubeconfig"),
  DRIFTLESS_SERVER: address,
  DRIFTLESS_OPTS: `--config ${join(home, "config")}`,
});

/** Words as the program offers them, names from nobody. */
async function offline(...words: string[]): Promise<readonly string[]> {
  const context = { api: () => Promise.reject(new Error("nobody")) } as unknown as Context;
  const asking: Asking = { context, as: () => asking };
  return suggestions({ groups, commands }, asking, words);
}

describe("the program offers", () => {
  test.each<readonly [words: readonly string[], offered: readonly string[]]>([
    [["relo"], ["relogin"]],
    [
      ["app", "get"],
      ["get", "get-resource"],
    ],
    [
      ["project", "role", "cr"],
      ["create", "create-token"],
    ],
    [["ctx", "--del"], ["--delete"]],
    [
      ["app", "get", "web", "-o", "tr"],
      ["tree", "tree=detailed"],
    ],
    [["app", "get", "web", "--output=j"], ["--output=json"]],
    [["app", "get", "web", "--output", "=", "j"], ["--output=json"]],
    [["app", "delete", "web", "--cascade=f"], ["--cascade=false"]],
    [
      ["app", "delete", "-p", ""],
      ["background", "foreground"],
    ],
    [["--loglevel", "w"], []],
    [["app", "list", "--loglevel", "w"], ["warn"]],
    [
      ["completion", ""],
      ["bash", "fish", "zsh"],
    ],
    [["app", "get", ""], []],
    [["nonsense", ""], []],
  ])("%j", async (words, offered) => {
    expect(await offline(...words)).toEqual(offered);
  });

  test("values for every flag that says which there are", async () => {
    const silent: string[] = [];
    for (const listed of commands) {
      const { default: command } = await listed.load();
      for (const [name, flag] of Object.entries(command.flags)) {
        if (!flag.about.startsWith("Output format") && flag.choices === undefined) continue;
        if ((await offline(...listed.path.split(" "), `--${name}`, "")).length < 1)
          silent.push(`${listed.path} --${name}`);
      }
    }
    expect(silent).toEqual([]);
  });
});

const shells = ["bash", "zsh", "fish"].filter((shell) => spawnSync(shell, ["-c", "exit 0"]).status === 0);

/** What a shell makes of a line, its cursor at the end. */
async function completed(shell: string, line: string): Promise<readonly string[]> {
  const scripts: Readonly<Record<string, string>> = {
    bash: `
      source <(driftless completion bash)
      COMP_LINE=$1; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=(); COMP_CWORD=0
      _driftless
      printf '%s\\n' "\${COMPREPLY[@]}"`,
    zsh: `
      compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { :; }
      source <(driftless completion zsh)
      words=(\${(z)1}); [[ $1 == *' ' ]] && words+=(''); CURRENT=$#words
      _driftless`,
    fish: `driftless completion fish | source; complete -C "$argv[1]" | string replace -r '\\t.*' ''; true`,
  };
  const before = shell === "fish" ? [] : [shell];
  const { stdout } = await run(shell, ["-c", scripts[shell]!, ...before, line], { env: env() });
  return stdout.split("\n").filter((word) => word !== "");
}

describe.each(shells)("%s completes", { timeout: 60_000 }, (shell) => {
  const cases: readonly { line: string; whole: readonly string[]; inBash?: readonly string[] }[] = [
    { line: "driftless repoc", whole: ["repocreds"] },
    { line: "driftless app get w", whole: ["web", "worker"] },
    { line: "driftless app get argocd/wo", whole: ["argocd/worker"] },
    { line: "driftless app sync web wo", whole: ["worker"] },
    { line: "driftless app list --project pay", whole: ["payments"] },
    { line: "driftless app rollback web ", whole: ["7", "8"] },
    { line: "driftless proj role get payments d", whole: ["dev"] },
    { line: "driftless cluster get p", whole: ["prod"] },
    { line: "driftless cluster get https://p", whole: ["https://prod:6443"], inBash: ["//prod:6443"] },
    { line: "driftless app create x --repo ", whole: ["https://git.example.com/a.git"] },
    { line: "driftless app get web --output=y", whole: ["--output=yaml"], inBash: ["yaml"] },
    { line: "driftless context t", whole: ["there"] },
    { line: "driftless cluster add ki", whole: ["kind-dev"] },
  ];
  test.each(cases)("$line", async ({ line, whole, inBash = whole }) => {
    expect(await completed(shell, line)).toEqual(shell === "bash" ? inBash : whole);
  });

  test("with the server and the token that the line names", async () => {
    await completed(shell, `driftless app get --server ${address} --auth-token mine we`);
    expect(asked.at(-1)).toBe("/api/v1/applications Bearer mine");
  });
});
