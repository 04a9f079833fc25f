// Loaded into a measured server (`node --import`): at SIGUSR2 collects garbage and writes how much memory is left in use
// to the file MEMORY_PROBE. What the operating system tells of a process is mostly room that was used once.
import { appendFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const file = process.env["MEMORY_PROBE"];
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

process.on("SIGUSR2", () => {
  collect();
  // What finalizers let go of is garbage only now.
  setImmediate(() => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    if (file !== undefined) appendFileSync(file, `${heapUsed + external}\n`);
  });
});
