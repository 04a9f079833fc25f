// `driftless app manifests`.
import { DriftlessError } from "#base/errors.ts";
import { command } from "../../command.ts";
import { later, numbers, text, texts } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { yamlText } from "../../view/print.ts";

const noLocal = "rendering local files comes later";
const noRevisions = "manifests of other revisions come later; see --revision";

export default command({
  usage: "APPNAME",
  examples: [
    ["As Git has them", "driftless app manifests my-app"],
    ["As the cluster has them", "driftless app manifests my-app --source live"],
  ],
  flags: {
    source: text("Where from: git, live", { fallback: "git", choices: ["git", "live"] }),
    revision: text("At this revision"),
    revisions: later(texts("At these revisions"), noRevisions),
    "source-positions": numbers("Positions of sources, counted from 1", { hidden: true }),
    "source-names": texts("Names of sources", { hidden: true }),
    local: later(text("From a local directory"), noLocal),
    "local-repo-root": text("Root of the local repository", { fallback: ".", hidden: true }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    let objects: unknown[];
    if (values.source === "live") {
      const resources = await api.applications.managedResources(context.op, ref);
      objects = resources
        .map((item) => JSON.parse(item.liveState || "null") as unknown)
        .filter((live) => live !== null);
    } else {
      const answer = await api.applications.manifests(context.op, ref, values.revision);
      if (values.revision !== "" && !answer.revision.startsWith(values.revision))
        throw new DriftlessError(
          "UNIMPLEMENTED",
          `the server renders ${answer.revision.slice(0, 7)} only; manifests of another revision come later`,
        );
      objects = answer.manifests.map((manifest) => JSON.parse(manifest) as unknown);
    }
    for (const object of objects) context.out.write(`---\n${await yamlText(object)}\n`);
  },
});
