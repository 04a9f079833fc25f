// Commands that change a project's sync windows. A window's ID is its place in `proj windows list`.
import { DriftlessError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { parseWindows } from "#core/policy/windows.ts";
import { agreed } from "../../../asking.ts";
import { command, type Command } from "../../../command.ts";
import { bool, list, text } from "../../../flags.ts";
import { changeSpec } from "../../../server/project-change.ts";

const shared = {
  schedule: text("When it opens, in cron's format: '0 22 * * *'"),
  duration: text("How long it stays open: 1h"),
  applications: list("Applications that it is for; * stands for any text"),
  namespaces: list("Namespaces that it is for; * stands for any text"),
  clusters: list("Clusters that it is for; * stands for any text"),
  "time-zone": text("Time zone of the schedule", { fallback: "UTC" }),
  description: text("Description of the window"),
} as const;

export const addWindow = command({
  usage: "PROJECT",
  examples: [
    [
      "Syncs only at night",
      "driftless proj windows add payments --kind allow --schedule '0 22 * * *' --duration 1h --applications '*'",
    ],
  ],
  flags: {
    ...shared,
    kind: text("allow or deny", { short: "k" }),
    "manual-sync": bool("Manual syncs may run in any case"),
    "sync-overrun": bool("A sync that runs when the window ends may go on"),
    "use-and-operator": bool("Applications, namespaces and clusters must all match"),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    if (values.kind === "" || values.schedule === "" || values.duration === "")
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        "cannot create window: require kind, schedule, duration and one of applications, namespaces and clusters",
      );
    if (values.applications.length + values.namespaces.length + values.clusters.length === 0)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        "cannot create window: require one of applications, namespaces and clusters",
      );
    const added = valid({
      kind: values.kind,
      schedule: values.schedule,
      duration: values.duration,
      timeZone: values["time-zone"],
      ...listed(values),
      ...(values.description === "" ? {} : { description: values.description }),
      ...(values["manual-sync"] ? { manualSync: true } : {}),
      ...(values["sync-overrun"] ? { syncOverrun: true } : {}),
      ...(values["use-and-operator"] ? { andOperator: true } : {}),
    });
    await changeSpec(context, args[0]!, (spec) => ({ ...spec, syncWindows: [...(spec.syncWindows ?? []), added] }));
  },
});

export const updateWindow = command({
  usage: "PROJECT ID",
  about: "What no flag names stays.",
  examples: [["Another time", "driftless proj windows update payments 0 --schedule '0 20 * * *'"]],
  flags: shared,
  args: { min: 2, max: 2 },
  async run(context, { values, given, args }) {
    const texts: JsonObject = {
      ...(values.schedule === "" ? {} : { schedule: values.schedule }),
      ...(values.duration === "" ? {} : { duration: values.duration }),
      ...(values.description === "" ? {} : { description: values.description }),
      ...(given.has("time-zone") ? { timeZone: values["time-zone"] } : {}),
      ...listed(values),
    };
    if (Object.keys(texts).length === 0)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        "cannot update: require one or more of schedule, duration, application, namespace, or cluster",
      );
    await changeSpec(context, args[0]!, (spec) => ({
      ...spec,
      syncWindows: withWindow(spec.syncWindows ?? [], args[1]!, (window) => valid({ ...window, ...texts })),
    }));
  },
});

export const deleteWindow = command({
  usage: "PROJECT ID",
  about: "Windows after it move up: their IDs change.",
  examples: [["The first one", "driftless proj windows delete payments 0"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { given, args }) {
    await changeSpec(context, args[0]!, async (spec) => {
      const rest = withWindow(spec.syncWindows ?? [], args[1]!, () => undefined);
      if (await agreed(context, given, "Are you sure you want to delete sync window? [y/n]"))
        return { ...spec, syncWindows: rest };
      context.out.line("The command to delete the sync window was cancelled");
      return undefined;
    });
  },
});

export const enableManualSync = switchCommand("manualSync", true, "Manual syncs may run");
export const disableManualSync = switchCommand("manualSync", false, "Manual syncs may no longer run");
export const enableSyncOverrun = switchCommand("syncOverrun", true, "Running syncs may go on");
export const disableSyncOverrun = switchCommand("syncOverrun", false, "Running syncs are paused");

function switchCommand(field: "manualSync" | "syncOverrun", on: boolean, about: string): Command {
  const name = `${on ? "enable" : "disable"}-${field === "manualSync" ? "manual-sync" : "sync-overrun"}`;
  return command({
    usage: "PROJECT ID",
    examples: [[about, `driftless proj windows ${name} payments 0`]],
    flags: {},
    args: { min: 2, max: 2 },
    async run(context, { args }) {
      await changeSpec(context, args[0]!, (spec) => ({
        ...spec,
        syncWindows: withWindow(spec.syncWindows ?? [], args[1]!, (window) => ({ ...window, [field]: on })),
      }));
    },
  });
}

/** The windows with one changed, or left out. Error: NOT_FOUND naming the IDs that there are. */
function withWindow(
  windows: readonly JsonObject[],
  id: string,
  change: (window: JsonObject) => JsonObject | undefined,
): readonly JsonObject[] {
  const at = /^\d+$/.test(id) ? Number(id) : -1;
  const window = windows[at];
  if (window === undefined)
    throw new DriftlessError(
      "NOT_FOUND",
      `there is no window ${id}: ${windows.length === 0 ? "the project has none" : `IDs are 0 to ${windows.length - 1}`}`,
    );
  const changed = change(window);
  return changed === undefined ? windows.filter((_, index) => index !== at) : windows.with(at, changed);
}

function listed(values: {
  readonly applications: readonly string[];
  readonly namespaces: readonly string[];
  readonly clusters: readonly string[];
}): JsonObject {
  const { applications, namespaces, clusters } = values;
  return Object.fromEntries(
    Object.entries({ applications, namespaces, clusters }).filter(([, items]) => items.length > 0),
  );
}

/** Error: INVALID_ARGUMENT with what is wrong with the window: a broken one would deny everything. */
function valid(window: JsonObject): JsonObject {
  const [problem] = parseWindows([window]).problems;
  if (problem) throw new DriftlessError("INVALID_ARGUMENT", `the window cannot be read: ${problem.why}`);
  return window;
}
