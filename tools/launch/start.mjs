// `npm start`: installs and builds what is missing, then runs everything in one process.
import { join } from "node:path";
import { become, fail, node, prepare, root, runQuietly } from "./prepare.mjs";

await prepare();
const built = await runQuietly("Building the page", node, [join(root, "tools", "build-ui.ts"), "--if-stale"]);
if (built !== 0) fail("The page could not be built; the reason stands above.");
become([join(root, "src", "main", "driftless.ts"), "up", ...process.argv.slice(2)]);
