// Builds the page where it is not up to date, so that a test never sees an old one.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { repositoryRoot } from "./up.ts";

export async function buildPage(): Promise<void> {
  const tool = join(repositoryRoot, "tools", "build-ui.ts");
  await promisify(execFile)(process.execPath, [tool, "--if-stale"], { cwd: repositoryRoot });
}
