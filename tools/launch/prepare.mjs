// What must be there before anything of ours runs: dependencies, in the versions of the lockfile. Plain JavaScript for
// any Node from 20 up, with no dependency; says what it does while it does it.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "./generate.mjs";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** The pinned Node, once dependencies are there. */
export const node = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
const stampFile = join(root, "node_modules", ".driftless-lock");

export function fail(sentence, code = 1) {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
}

const lockHash = () =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");

/** Whether dependencies of exactly this lockfile are installed. */
export function installed() {
  return existsSync(node) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === lockHash();
}

/** Runs a command, its output shown only if it fails; draws elapsed time on a terminal. Resolves with its exit code. */
export function runQuietly(title, command, args, options = {}) {
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  const live = process.stderr.isTTY;
  let output = "";
  return new Promise((resolve) => {
    if (!live) process.stderr.write(`${title} …\n`);
    const timer = live ? setInterval(() => process.stderr.write(`\r\x1b[K${title} … ${seconds()}`), 200) : undefined;
    const child = spawn(command, args, { cwd: root, ...options, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    const end = (code) => {
      clearInterval(timer);
      process.stderr.write(`${live ? "\r\x1b[K" : ""}${title}: ${code === 0 ? "done" : "failed"} (${seconds()})\n`);
      if (code !== 0) process.stderr.write(output);
      resolve(code ?? 1);
    };
    child.on("error", (error) => {
      output += error.message;
      end(1);
    });
    child.on("close", end);
  });
}

/** Installs dependencies where they are missing or of another lockfile. Ends the program with a sentence if it can't. */
export async function prepare() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) fail(`Driftless needs Node 20 or newer to start; this is ${process.versions.node}.`);
  if (spawnSync("git", ["--version"], { stdio: "ignore" }).error) {
    fail("Driftless needs git, and there is none on the PATH. Install git 2.34 or newer and start again.", 3);
  }
  if (!installed()) await install();
  const problem = generate();
  if (problem) fail(problem);
}

async function install() {
  const npm = process.env.npm_execpath;
  const [command, args] = npm?.endsWith("js") ? [process.execPath, [npm]] : ["npm", []];
  // Not `npm ci`: it refuses a lockfile in which a tool's binary for some other platform is missing, as happens where the
  // registry at hand does not have them all. What the lockfile names is installed in exactly that version, and it stays.
  const code = await runQuietly("Installing dependencies", command, [
    ...args,
    "install",
    "--no-save",
    "--no-audit",
    "--no-fund",
    "--include=dev",
  ]);
  if (code !== 0)
    fail(
      "The dependencies could not be installed; the reason stands above. Check the network and the npm registry, then start again.",
    );
  writeFileSync(stampFile, lockHash());
}

/** Replaces this process as well as Node can: runs the pinned Node, hands signals on, ends as it ends. */
export function become(args, env = {}) {
  const child = spawn(node, args, {
    stdio: "inherit",
    env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}`, ...env },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
  child.on("error", (error) => fail(error.message));
}
