// `npm start`: installs and builds what is missing, then runs everything in one process; the engine follows.
import { spawn } from "node:child_process";
import { setPriority } from "node:os";
import { join } from "node:path";
import { become, fail, node, prepare, root, runQuietly } from "./prepare.mjs";

await prepare();
const built = await runQuietly("Building the page", node, [join(root, "tools", "build-ui.ts"), "--if-stale"]);
if (built !== 0) fail("The page could not be built; the reason stands above.");
// Helm, Kustomize and Jsonnet wait for the engine; everything else does not. It is built beside the running program.
const engine = spawn(node, [join(root, "tools", "engine-build.ts"), "--if-go", "--quiet"], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
engine.on("spawn", () => setPriority(engine.pid, 10));
engine.on("error", () => {});
process.on("exit", () => engine.kill());
become([join(root, "src", "main", "driftless.ts"), "up", ...process.argv.slice(2)]);
