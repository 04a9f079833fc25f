// `driftless app logs`: its flags are accepted; the server cannot answer yet.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { bool, int, text } from "../../flags.ts";
import { parseName } from "../../names.ts";

export default command({
  usage: "APPNAME",
  about: "This version does not have it yet: use kubectl logs.",
  examples: [["Meanwhile", "kubectl -n my-namespace logs deploy/web --follow"]],
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
    filter: text("Only lines with this text"),
    "match-case": bool("Upper and lower case differ", { short: "m" }),
    previous: bool("Of the container before the last restart", { short: "p" }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  run(_context, { values, args }) {
    const ref = parseName(args[0]!, values["app-namespace"]);
    throw new DriftlessError(
      "UNIMPLEMENTED",
      `logs of ${ref.name} cannot be shown by this version; kubectl logs can, with the application's namespace`,
    );
  },
});
