// `driftless app logs`: lines of an application's pods as they come.
import { DriftlessError } from "#base/errors.ts";
import { at, isObject, stringAt } from "#base/json.ts";
import { command } from "../../command.ts";
import { bool, int, text } from "../../flags.ts";
import { parseName } from "../../names.ts";

export default command({
  usage: "APPNAME",
  about: "Lines of several pods are merged by time, each with its pod's name in front.",
  examples: [
    ["All pods of an application, and what comes", "driftless app logs my-app --follow"],
    ["The last lines of one Deployment's pods", "driftless app logs my-app --kind Deployment --name web --tail 100"],
    ["Lines that do not hold a text", "driftless app logs my-app --filter '!healthz'"],
  ],
  flags: {
    group: text("Group of the resource"),
    kind: text("Kind of the resource"),
    namespace: text("Namespace of the resource"),
    name: text("Name of the resource"),
    container: text("Container", { short: "c" }),
    follow: bool("Go on with what comes", { short: "f" }),
    tail: int("Only this many lines from the end"),
    "since-seconds": int("Only the last seconds"),
    "until-time": text("Only until this time"),
    filter: text("Only lines with this text; with ! in front, those without it"),
    "match-case": bool("Upper and lower case differ", { short: "m" }),
    previous: bool("Of the container before the last restart", { short: "p" }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const api = await context.api();
    const lines = await api.applications.logs(context.op, parseName(args[0]!, values["app-namespace"]), {
      ...(values.group ? { group: values.group } : {}),
      ...(values.kind ? { kind: values.kind } : {}),
      ...(values.namespace ? { namespace: values.namespace } : {}),
      ...(values.name ? { resourceName: values.name } : {}),
      ...(values.container ? { container: values.container } : {}),
      ...(values.follow ? { follow: true } : {}),
      ...(values.tail ? { tailLines: values.tail } : {}),
      ...(values["since-seconds"] ? { sinceSeconds: values["since-seconds"] } : {}),
      ...(values["until-time"] ? { untilTime: values["until-time"] } : {}),
      ...(values.filter ? { filter: values.filter } : {}),
      ...(values["match-case"] ? { matchCase: true } : {}),
      ...(values.previous ? { previous: true } : {}),
    });
    for await (const line of lines) {
      const failed = stringAt(line, "error", "message");
      if (failed !== undefined) throw new DriftlessError("FAILED_PRECONDITION", failed);
      const entry = at(line, "result");
      if (!isObject(entry) || entry["last"] === true) continue;
      const pod = stringAt(entry, "podName");
      context.out.write(`${pod ? `${pod} ` : ""}${stringAt(entry, "content") ?? ""}\n`);
    }
  },
});
