// A process that writes without end and says after each write that it is stored: to be killed by a test.
import { writeSync } from "node:fs";
import { silentLogger } from "#base/operation.ts";
import { Store } from "../store.ts";

const store = new Store({
  dir: process.argv[2] ?? "",
  log: silentLogger,
  now: () => Date.now(),
  compactAfterBytes: Number(process.argv[3]),
});

function write(): void {
  for (let i = 0; i < 50; i++) {
    const name = `object-${store.rv % 97}`;
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace: "a" },
      data: { x: "y".repeat(500) },
    };
    const stored = store.put("/configmaps", object);
    store.flush();
    writeSync(1, `${name} ${stored.metadata.resourceVersion}\n`);
  }
  // Snapshots are written in between.
  setImmediate(write);
}
write();
