// `driftless app render`.
import { DriftlessError } from "#base/errors.ts";
import type { KubernetesObject } from "#model/object.ts";
import { parseApiVersion } from "#model/object.ts";
import { command } from "../../command.ts";
import { numbers, text, texts } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { renderedFor, renderedOfFile } from "../../local/rendered.ts";
import { jsonText, yamlText } from "../../view/print.ts";
import { oneLine, table } from "../../view/table.ts";

export default command({
  usage: "APPNAME | -f FILE",
  about:
    "What an application consists of, and where each object is written. Rendered by the server; nothing is applied. Values of Secrets are masked.",
  examples: [
    ["As Git has it", "driftless app render my-app"],
    ["At another revision", "driftless app render my-app --revision v1.2.3"],
    ["Of local files, as documents", "driftless app render my-app --local ./apps/my-app -o yaml"],
    ["Of an Application that is only a file yet", "driftless app render -f app.yaml --local ./apps/my-app"],
  ],
  flags: {
    file: text("File, URL, or - for standard input, with the Application; it need not be on the server", {
      short: "f",
    }),
    revision: text("At this revision"),
    revisions: texts("At these revisions of several sources, with --source-positions or --source-names"),
    "source-positions": numbers("Positions of sources, counted from 1"),
    "source-names": texts("Names of sources; may be repeated"),
    local: text("From the manifests in this local folder"),
    "local-repo-root": text("Root of the local repository; that of the Git working copy unless told"),
    output: text("Output format: wide, yaml, json", {
      short: "o",
      fallback: "wide",
      choices: ["wide", "yaml", "json"],
    }),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 0, max: 1 },
  async run(context, { values, args }) {
    const [name] = args;
    if (name === undefined && values.file === "")
      throw new DriftlessError("INVALID_ARGUMENT", "say which application: driftless app render APPNAME, or -f FILE");
    const root = values["local-repo-root"];
    const flags = { ...values, ...(root === "" ? {} : { root }) };
    const { manifests, places } =
      values.file === ""
        ? await renderedFor(context, parseName(name!, values["app-namespace"]), flags)
        : await renderedOfFile(context, name, flags);
    const objects = manifests.map((manifest) => JSON.parse(manifest) as KubernetesObject);
    const placeOf = (index: number): string => {
      const place = places?.[index];
      return place ? `${place.file}${place.line > 1 ? `:${place.line}` : ""}` : "";
    };
    if (values.output === "json") context.out.write(jsonText(objects));
    else if (values.output === "yaml") {
      for (const [index, object] of objects.entries())
        context.out.write(
          `---${placeOf(index) === "" ? "" : ` # ${oneLine(placeOf(index))}`}\n${await yamlText(object)}`,
        );
    } else {
      const rows = objects.map(({ apiVersion, kind, metadata }, index) => [
        parseApiVersion(apiVersion).group,
        kind,
        metadata.namespace ?? "",
        metadata.name ?? metadata.generateName ?? "",
        oneLine(placeOf(index)),
      ]);
      context.out.write(table([["GROUP", "KIND", "NAMESPACE", "NAME", "FILE"], ...rows]));
    }
  },
});
