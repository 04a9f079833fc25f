// The program `driftless`: `up` runs everything in one process, every other command is the command line's. Loads only
// what the command needs, so that short commands start quickly.
import { enableCompileCache } from "node:module";
import { exitCodeOf, sentenceOf } from "./exit.ts";

enableCompileCache();
const [command, ...rest] = process.argv.slice(2);
try {
  if (command === "up") {
    const { up } = await import("./up.ts");
    process.exitCode = await up(rest);
  } else {
    const { runCli } = await import("./cli.ts");
    process.exitCode = await runCli(process.argv.slice(2));
  }
} catch (thrown) {
  process.stderr.write(`${sentenceOf(thrown)}\n`);
  process.exitCode = exitCodeOf(thrown);
}
