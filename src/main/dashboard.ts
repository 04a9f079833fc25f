// `driftless admin dashboard`: the page beside the API of `--core`, and a link that lets one browser in.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DriftlessError } from "#base/errors.ts";
import type { Context } from "#cli/context.ts";
import { entrancePath } from "#server/auth/entrance.ts";
import { startCore } from "./core.ts";

const uiDir = join(fileURLToPath(new URL("../..", import.meta.url)), "dist", "ui");

/** Errors: CONFIG_INVALID where the page is not built, PORT_IN_USE, and those of `startCore`. */
export async function startDashboard(
  context: Context,
  listen: { readonly host: string; readonly port: number },
): Promise<{ readonly link: string; stop(): Promise<void> }> {
  if (!existsSync(join(uiDir, "index.html")))
    throw new DriftlessError(
      "CONFIG_INVALID",
      `the page is not built: ${uiDir} is missing; build it with npm run build:ui`,
    );
  const { op } = context;
  // Ctrl-C ends the command, which then ends this in good order.
  const life = { ...op, signal: new AbortController().signal };
  const core = await startCore(life, context, { listen, uiDir });
  const link = `${core.url}${entrancePath}?token=${core.token}`;
  return { link: link.replace("//127.0.0.1:", "//localhost:"), stop: () => core.stop() };
}
