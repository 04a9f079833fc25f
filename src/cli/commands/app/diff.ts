// `driftless app diff`.
import { command } from "../../command.ts";
import { differences, printDifferences } from "../../diffing.ts";
import { bool, duration, int, later, numbers, text, texts } from "../../flags.ts";
import { parseName } from "../../names.ts";

const noLocal = "comparing with local files comes later; push to a branch and compare that";
const noRevision = "comparing with another revision comes later; the application's own revision is compared";

export default command({
  usage: "APPNAME",
  about:
    "From the live state to what a sync would make of it. Exit code: 0 without differences, 1 with some, 2 on errors.\nKUBECTL_EXTERNAL_DIFF names another program to show differences with. Values of Secrets are masked.",
  examples: [
    ["What a sync would change", "driftless app diff my-app"],
    ["Look at Git and the cluster first", "driftless app diff my-app --refresh"],
    ["Only show, always exit with 0", "driftless app diff my-app --exit-code=false"],
    ["With another differ", 'KUBECTL_EXTERNAL_DIFF="colordiff -N -u" driftless app diff my-app'],
  ],
  flags: {
    refresh: bool("Compare anew first"),
    "hard-refresh": bool("Render and compare anew first"),
    "exit-code": bool("Exit with another code than 0 where there are differences", { fallback: true }),
    "diff-exit-code": int("The exit code where there are differences", { fallback: 1 }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
    "server-side-diff": bool("Accepted: differences are always computed by the server", { hidden: true }),
    "server-side-generate": bool("Accepted", { hidden: true }),
    "server-side-diff-concurrency": int("Accepted", { fallback: -1, hidden: true }),
    "server-side-diff-max-batch-kb": int("Accepted", { fallback: 250, hidden: true }),
    "ignore-normalizer-jq-execution-timeout": duration("Accepted", { hidden: true }),
    local: later(text("Compare with a local directory"), noLocal),
    "local-include": texts("Files of the local directory", { hidden: true }),
    "local-repo-root": text("Root of the local repository", { fallback: "/", hidden: true }),
    revision: later(text("Compare with this revision"), noRevision),
    revisions: later(texts("Compare with these revisions"), noRevision),
    "source-positions": numbers("Positions of sources, counted from 1", { hidden: true }),
    "source-names": texts("Names of sources", { hidden: true }),
  },
  args: { min: 1, max: 1 },
  errorCode: 2,
  async run(context, { values, args }) {
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const refresh = values["hard-refresh"] ? "hard" : values.refresh ? "normal" : undefined;
    await api.applications.get(context.op, ref, { refresh });
    const found = differences(await api.applications.managedResources(context.op, ref));
    await printDifferences(context, found);
    return found.length > 0 && values["exit-code"] ? values["diff-exit-code"] : 0;
  },
});
