// What lets the command line of this machine work without a login: a private file in the data directory with the server's
// address and the first admin password. Read by src/cli/server/connect.ts; gone when the server stops.
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Operation } from "#base/operation.ts";
import { writePrivately } from "#cli/server/config-file.ts";
import type { System } from "./system.ts";

export const localLoginFile = (dataDir: string): string => join(dataDir, "cli.json");

/** Leaves the file, unless the password was changed; returns what removes it. */
export async function offerLocalLogin(op: Operation, dataDir: string, system: System): Promise<() => Promise<void>> {
  const file = localLoginFile(dataDir);
  const password = await system.initialPassword(op);
  rmSync(file, { force: true });
  const { url } = system.server;
  // The certificate is seldom for "localhost", and may change while we run: on this machine it is not asked for.
  const tls = url.startsWith("https:") ? { insecure: true } : {};
  if (password !== undefined)
    writePrivately(file, `${JSON.stringify({ server: url, ...tls, username: "admin", password })}\n`);
  return () => Promise.resolve(rmSync(file, { force: true }));
}
