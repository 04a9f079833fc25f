// `driftless app manifests`.
import { command } from "../../command.ts";
import { numbers, text, texts } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { renderedFor } from "../../local/rendered.ts";
import { yamlText } from "../../view/print.ts";

export default command({
  usage: "APPNAME",
  about: "One YAML document for each object. Values of Secrets are masked.",
  examples: [
    ["As Git has them", "driftless app manifests my-app"],
    ["As the cluster has them", "driftless app manifests my-app --source live"],
    ["At another revision", "driftless app manifests my-app --revision v1.2.3"],
    [
      "Of two of several sources",
      "driftless app manifests my-app --revisions v2 --revisions v3 --source-positions 1,2",
    ],
    ["Of local files", "driftless app manifests my-app --local ./apps/my-app"],
  ],
  flags: {
    source: text("Where from: git, live", { fallback: "git", choices: ["git", "live"] }),
    revision: text("At this revision"),
    revisions: texts("At these revisions of several sources, with --source-positions or --source-names"),
    "source-positions": numbers("Positions of sources, counted from 1"),
    "source-names": texts("Names of sources; may be repeated"),
    local: text("From the manifests in this local folder"),
    "local-repo-root": text("Root of the local repository; that of the Git working copy unless told", {
      fallback: ".",
    }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    let objects: unknown[];
    if (values.source === "live") {
      const resources = await api.applications.managedResources(context.op, ref);
      objects = resources
        .map((item) => JSON.parse(item.liveState || "null") as unknown)
        .filter((live) => live !== null);
    } else {
      const root = given.has("local-repo-root") ? { root: values["local-repo-root"] } : {};
      const answer = await renderedFor(context, ref, { ...values, ...root });
      objects = answer.manifests.map((manifest) => JSON.parse(manifest) as unknown);
    }
    for (const object of objects) context.out.write(`---\n${await yamlText(object)}\n`);
  },
});
