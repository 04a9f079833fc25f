// `npm run check`: types, lint, layers, dead code and format, side by side. Prints what failed, in full; exits 1 then.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly output: string;
}

const bin = (name: string): string => join("node_modules", ".bin", name);

const checks: readonly { name: string; command: string; args: string[] }[] = [
  { name: "types (pure)", command: bin("tsc"), args: ["-p", "tsconfig.pure.json"] },
  { name: "types (node)", command: bin("tsc"), args: ["-p", "tsconfig.node.json"] },
  ...(existsSync("ui/main.tsx") ? [{ name: "types (ui)", command: bin("tsc"), args: ["-p", "tsconfig.ui.json"] }] : []),
  { name: "lint", command: bin("oxlint"), args: ["--type-aware", "--deny-warnings"] },
  { name: "layers", command: process.execPath, args: ["tools/lint/run.ts"] },
  { name: "dead code", command: bin("knip"), args: ["--no-progress"] },
  { name: "format", command: bin("oxfmt"), args: ["--check", "."] },
];

function run(check: (typeof checks)[number]): Promise<Outcome> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(check.command, check.args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    child.stderr.on("data", (chunk) => (output += String(chunk)));
    const done = (ok: boolean): void =>
      resolve({ name: check.name, ok, seconds: (performance.now() - started) / 1000, output });
    child.on("error", (error) => {
      output += error.message;
      done(false);
    });
    child.on("close", (code) => done(code === 0));
  });
}

const only = process.argv.slice(2);
const chosen = only.length === 0 ? checks : checks.filter((check) => only.some((word) => check.name.includes(word)));
const outcomes = await Promise.all(chosen.map(run));
for (const outcome of outcomes) {
  console.log(`${outcome.ok ? "ok  " : "FAIL"} ${outcome.name} (${outcome.seconds.toFixed(1)} s)`);
  if (!outcome.ok) console.log(outcome.output.trimEnd());
}
process.exit(outcomes.every((outcome) => outcome.ok) ? 0 : 1);
