// `driftless proj windows list`.
import type { AppProject } from "#model/application.ts";
import { parseWindows, windowState, type SyncWindow } from "#core/policy/windows.ts";
import { command } from "../../../command.ts";
import { text } from "../../../flags.ts";
import { checkOutput, document } from "../../../view/print.ts";
import { table } from "../../../view/table.ts";

const header = [
  "ID",
  "STATUS",
  "KIND",
  "SCHEDULE",
  "DURATION",
  "APPLICATIONS",
  "NAMESPACES",
  "CLUSTERS",
  "MANUALSYNC",
  "SYNCOVERRUN",
  "TIMEZONE",
  "USEANDOPERATOR",
];

export default command({
  usage: "PROJECT",
  examples: [
    ["The windows of a project, with their state now", "driftless proj windows list default"],
    ["As YAML", "driftless proj windows list default -o yaml"],
  ],
  flags: { output: text("Output format: wide, json, yaml", { short: "o", fallback: "wide" }) },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "json", "yaml"]);
    const api = await context.api();
    const project: AppProject = await api.projects.get(context.op, args[0]!);
    const raw = project.spec.syncWindows ?? [];
    if (values.output === "json" || values.output === "yaml") {
      context.out.write(await document(raw, values.output));
      return;
    }
    const { windows, problems } = parseWindows(raw);
    const now = context.clock.now();
    context.out.write(table([header, ...windows.map((window, index) => rowOf(window, index, now))]));
    for (const { index, why } of problems)
      context.err.line(`driftless: window ${index} cannot be read and denies everything: ${why}`);
  },
});

function rowOf(window: SyncWindow, index: number, now: number): string[] {
  const list = (texts: readonly string[]): string => (texts.length === 0 ? "-" : texts.join(","));
  const enabled = (on: boolean): string => (on ? "Enabled" : "Disabled");
  return [
    String(index),
    windowState(window, now).open ? "Active" : "Inactive",
    window.kind,
    window.schedule,
    window.duration,
    list(window.applications),
    list(window.namespaces),
    list(window.clusters),
    enabled(window.manualSync),
    enabled(window.syncOverrun),
    window.timeZone,
    enabled(window.andOperator),
  ];
}
