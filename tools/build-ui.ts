// Bundles the page into dist/ui: hashed names, minified, split so that the list paints before the tree's code is read,
// with .gz and .br beside each file for the server to send. `--if-stale` does nothing when no input has changed since
// the last build; `--report` prints sizes.
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build, type BuildOptions, type Metafile } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outDir = join(root, "dist", "ui");
const stampFile = join(root, "dist", ".ui-stamp");
const inputs = [
  "ui/**/*",
  "src/base/**/*.ts",
  "src/model/**/*.ts",
  "src/protocol/**/*.ts",
  "package-lock.json",
  "tools/build-ui.ts",
];

/** A hash over everything that the bundle is made of. */
function stampOf(): string {
  const hash = createHash("sha256");
  const files = inputs.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
  for (const file of files) {
    if (file.endsWith(".test.ts") || !statSync(join(root, file)).isFile()) continue;
    hash
      .update(file.replaceAll("\\", "/"))
      .update("\0")
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/** The public path of an output, by the entry point that it was made from. */
function outputOf(metafile: Metafile, into: string, entry: string): string {
  const found = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === entry);
  if (!found) throw new Error(`esbuild made nothing of ${entry}`);
  return `/${relative(into, join(root, found[0])).replaceAll("\\", "/")}`;
}

/** Writes the compressed twins that the server sends to browsers which take them. */
function compress(into: string): void {
  for (const name of globSync("**/*.{js,css,svg,html}", { cwd: into })) {
    const file = join(into, name);
    const bytes = readFileSync(file);
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
  }
}

async function bundle(): Promise<void> {
  // Built aside and moved into place, so that a server never sees half a page.
  const into = `${outDir}.${process.pid}`;
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  const common: BuildOptions & { metafile: true } = {
    absWorkingDir: root,
    bundle: true,
    minify: true,
    metafile: true,
    legalComments: "none",
    target: ["es2022", "chrome110", "firefox115", "safari16.4"],
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    outdir: into,
    logLevel: "warning",
  };
  const main = await build({
    ...common,
    entryPoints: ["ui/main.tsx", "ui/styles/main.css"],
    format: "esm",
    splitting: true,
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  // Runs before the first paint, so that a chosen theme does not flash.
  const boot = await build({ ...common, entryPoints: ["ui/theme-boot.ts"], format: "iife" });
  const mark = readFileSync(join(root, "ui", "mark.svg"));
  const markName = `assets/mark-${createHash("sha256").update(mark).digest("hex").slice(0, 8)}.svg`;
  writeFileSync(join(into, markName), mark);
  const html = readFileSync(join(root, "ui", "index.html"), "utf8")
    .replace("%SCRIPT%", outputOf(main.metafile, into, "ui/main.tsx"))
    .replace("%STYLE%", outputOf(main.metafile, into, "ui/styles/main.css"))
    .replace("%THEME%", outputOf(boot.metafile, into, "ui/theme-boot.ts"))
    .replace("%MARK%", `/${markName}`);
  writeFileSync(join(into, "index.html"), html);
  compress(into);
  const before = `${into}.before`;
  if (existsSync(outDir)) renameSync(outDir, before);
  renameSync(into, outDir);
  rmSync(before, { recursive: true, force: true });
}

function report(): void {
  let total = 0;
  for (const name of globSync("**/*.{js,css}", { cwd: outDir })) {
    const file = join(outDir, name);
    const packed = statSync(`${file}.gz`).size;
    total += packed;
    console.log(`${String(statSync(file).size).padStart(9)} ${String(packed).padStart(8)} gz  ${basename(name)}`);
  }
  console.log(`${" ".repeat(10)}${String(total).padStart(8)} gz  in all`);
}

const stamp = stampOf();
const fresh =
  existsSync(join(outDir, "index.html")) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp;
if (!fresh || !process.argv.includes("--if-stale")) {
  await bundle();
  writeFileSync(stampFile, stamp);
}
if (process.argv.includes("--report")) report();
