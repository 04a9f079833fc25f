// `npm run bench -- NAME [--json]`: runs one bench; without a name lists them.
import type { Bench } from "./lib/report.ts";
import { printReport } from "./lib/report.ts";

const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  api: () => import("./api.ts"),
  "commit-to-live": () => import("./commit-to-live.ts"),
  cli: () => import("./cli.ts"),
  compare: () => import("./compare.ts"),
  fleet: () => import("./fleet.ts"),
  "sandbox-fleet": () => import("./sandbox-fleet.ts"),
  "self-heal": () => import("./self-heal.ts"),
  restart: () => import("./restart.ts"),
  "large-application": () => import("./large-application.ts"),
  render: () => import("./render.ts"),
};

const args = process.argv.slice(2);
const json = args.includes("--json");
const name = args.find((arg) => !arg.startsWith("-"));
const load = name === undefined ? undefined : benches[name];
if (!load) {
  console.error(`usage: npm run bench -- NAME [--json]\nbenches: ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}
const { bench } = await load();
const report = await bench({ json, say: (text) => process.stderr.write(`${name}: ${text}\n`) });
process.exit(printReport(report, json));
