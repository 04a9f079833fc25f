// npm run kube:down: ends what kube:up started. With --delete its data goes too.
import { rmSync } from "node:fs";
import { detachedDirectory, stopDetached } from "./detached.ts";

const directory = detachedDirectory(process.env);
const ended = await stopDetached(directory);
const forgets = process.argv.includes("--delete");
if (forgets) rmSync(directory, { recursive: true, force: true });
console.log(`${ended === 0 ? "nothing was running" : `ended ${ended} processes`}${forgets ? ", data deleted" : ""}`);
