// What `driftless up` says once it is ready: where things are, how to log in, and three things to try.
import picocolors from "picocolors";
import type { Operation } from "#base/operation.ts";
import type { Demo } from "./demo.ts";
import type { System } from "./system.ts";

export interface WelcomeFacts {
  readonly system: System;
  readonly demo: Demo | undefined;
  readonly kubeconfig: string;
  readonly dataDir: string;
  /** Path of the command line program. */
  readonly program: string;
}

export async function printWelcome(op: Operation, facts: WelcomeFacts): Promise<void> {
  const { system, demo, kubeconfig, dataDir, program } = facts;
  const paint = picocolors.createColors(process.stdout.isTTY === true && !process.env["NO_COLOR"]);
  const password = await system.initialPassword(op);
  const login = password === undefined ? "admin, with the password that you set" : `admin  ${password}`;
  const lines = [
    "",
    paint.bold(`Driftless is ready${process.stdout.isTTY ? "" : ` at ${system.server.url}`}`),
    "",
    `  Page        ${paint.cyan(system.server.url)}`,
    `  Log in      ${login}`,
    ...(demo ? [`  Repository  git clone ${demo.cloneUrl}`] : []),
    ...(system.server.metricsPort === undefined
      ? []
      : [`  Metrics     port ${system.server.metricsPort}, without a login`]),
    `  Cluster     export KUBECONFIG=${kubeconfig}`,
    `  State       ${dataDir}`,
    "",
  ];
  if (demo) lines.push(...thingsToTry(demo, { program, kubeconfig, bold: paint.bold }));
  lines.push("Ctrl-C stops; what you did is still there at the next start.", "");
  process.stdout.write(`${lines.join("\n")}\n`);
}

function thingsToTry(
  demo: Demo,
  how: { program: string; kubeconfig: string; bold: (text: string) => string },
): string[] {
  return [
    how.bold("Three things to try"),
    "",
    "  1. Commit a change, and see it arrive:",
    `       git clone ${demo.cloneUrl} && cd demo`,
    "       sed -i 's/replicas: 2/replicas: 4/' apps/platform-api/deployment.yaml",
    "       git commit -am 'More replicas' && git push",
    "  2. Break something by hand, and see it healed:",
    `       kubectl --kubeconfig ${how.kubeconfig} -n platform-api scale deployment platform-api --replicas 0`,
    "  3. Delete a file, and see its object pruned:",
    "       git rm apps/platform-api/disruption-budget.yaml",
    "       git commit -m 'No disruption budget' && git push",
    "",
    `  Watch on the page, or:  ${how.program} app list`,
    "",
  ];
}
