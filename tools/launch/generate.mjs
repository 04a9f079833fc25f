// Generates the protocol's code from its .proto files, where it is missing or older than they are. Plain JavaScript for
// any Node from 20 up; runs after every install (package.json's postinstall) and before anything is started.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const source = join(root, "src", "protocol", "proto");
const stamp = join(root, "src", "protocol", "gen", ".from");

function fingerprint() {
  const hash = createHash("sha256");
  const names = readdirSync(source, { recursive: true }).map(String).sort();
  for (const name of names)
    if (/\.(proto|yaml)$/.test(name)) hash.update(name).update(readFileSync(join(source, name)));
  const generator = join(root, "node_modules", "@bufbuild", "protoc-gen-es", "package.json");
  if (existsSync(generator)) hash.update(JSON.parse(readFileSync(generator, "utf8")).version);
  return hash.digest("hex");
}

/** Returns what went wrong, or undefined. */
export function generate() {
  const wanted = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return undefined;
  const bin = join(root, "node_modules", ".bin");
  const done = spawnSync(join(bin, process.platform === "win32" ? "buf.cmd" : "buf"), ["generate"], {
    cwd: source,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
    encoding: "utf8",
  });
  if (done.error || done.status !== 0)
    return `The protocol's code could not be generated: ${done.error?.message ?? `${done.stdout}${done.stderr}`.trim()}`;
  writeFileSync(stamp, wanted);
  return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = generate();
  if (problem) {
    process.stderr.write(`${problem}\n`);
    process.exit(1);
  }
}
