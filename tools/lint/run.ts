// Runs the layer check over the tree; prints each violation as file:line and exits 1 when there is one.
import { globSync, readFileSync } from "node:fs";
import { violationsIn } from "./layers-check.ts";
import { layers } from "./layers.ts";

const files = globSync("{src,ui,tools,test,bench,sim}/**/*.{ts,tsx}", { exclude: ["**/node_modules/**"] });
const found = files
  .filter((file) => !file.startsWith("tools/lint/"))
  .flatMap((file) => violationsIn(file, readFileSync(file, "utf8"), layers));
for (const { file, line, specifier, why } of found) console.log(`${file}:${line} imports ${specifier}: ${why}`);
process.exit(found.length === 0 ? 0 : 1);
