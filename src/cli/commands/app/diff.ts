// `driftless app diff`.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { differences, printDifferences } from "../../local/diffing.ts";
import { bool, duration, int, numbers, text, texts } from "../../flags.ts";
import { sendFiles } from "../../local/local-target.ts";
import { parseName } from "../../names.ts";
import { revisionQuery } from "../../flags/source-choice.ts";
import { oneLine } from "../../view/table.ts";

export default command({
  usage: "APPNAME",
  about:
    "From the live state to what a sync would make of it. Exit code: 0 without differences, 1 with some, 2 on errors.\nKUBECTL_EXTERNAL_DIFF names another program to show differences with. Values of Secrets are masked.",
  examples: [
    ["What a sync would change", "driftless app diff my-app"],
    ["Look at Git and the cluster first", "driftless app diff my-app --refresh"],
    ["What a sync of another revision would change", "driftless app diff my-app --revision v1.2.3"],
    ["Of one of several sources", "driftless app diff my-app --revisions v2 --source-positions 1"],
    ["What a sync of local files would change", "driftless app diff my-app --local ./apps/my-app"],
    ["Only show, always exit with 0", "driftless app diff my-app --exit-code=false"],
    ["With another differ", 'KUBECTL_EXTERNAL_DIFF="colordiff -N -u" driftless app diff my-app'],
  ],
  flags: {
    refresh: bool("Compare anew first"),
    "hard-refresh": bool("Render and compare anew first"),
    "exit-code": bool("Exit with another code than 0 where there are differences", { fallback: true }),
    "diff-exit-code": int("The exit code where there are differences", { fallback: 1 }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
    revision: text("Compare with this revision"),
    revisions: texts("Revisions of several sources, with --source-positions or --source-names; may be repeated"),
    "source-positions": numbers("Positions of sources, counted from 1"),
    "source-names": texts("Names of sources; may be repeated"),
    local: text("Compare with the manifests in this local folder"),
    "local-repo-root": text("Root of the local repository; that of the Git working copy unless told", {
      fallback: "/",
    }),
    "local-include": texts("Send only local files whose names match; may be repeated"),
    "server-side-generate": bool("--local is the root of the repository, not the application's folder"),
    "server-side-diff": bool("Accepted: differences are always computed by the server", { hidden: true }),
    "server-side-diff-concurrency": int("Accepted", { fallback: -1, hidden: true }),
    "server-side-diff-max-batch-kb": int("Accepted", { fallback: 250, hidden: true }),
    "ignore-normalizer-jq-execution-timeout": duration("Accepted: the server has its own limit", { hidden: true }),
  },
  args: { min: 1, max: 1 },
  errorCode: 2,
  async run(context, { values, given, args }) {
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const refresh = values["hard-refresh"] ? "hard" : values.refresh ? "normal" : undefined;
    const app = await api.applications.get(context.op, ref, { refresh });
    const query = revisionQuery(app, values);
    if (query && values.local !== "")
      throw new DriftlessError("INVALID_ARGUMENT", "give a revision or --local, not both");
    const compared =
      values.local !== ""
        ? await sendFiles(
            context,
            app,
            {
              local: values.local,
              ...(given.has("local-repo-root") ? { root: values["local-repo-root"] } : {}),
              serverSide: values["server-side-generate"],
              include: values["local-include"],
            },
            (upload) => api.applications.compare(context.op, ref, upload),
          )
        : query
          ? await api.applications.compare(context.op, ref, query)
          : { items: await api.applications.managedResources(context.op, ref) };
    for (const warning of compared.warnings ?? []) context.err.line(`Warning: ${oneLine(warning)}`);
    const found = differences(compared.items ?? []);
    await printDifferences(context, found);
    return found.length > 0 && values["exit-code"] ? values["diff-exit-code"] : 0;
  },
});
