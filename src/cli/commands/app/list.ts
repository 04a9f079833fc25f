// `driftless app list`.
import { sourcesOf } from "#model/application.ts";
import { command } from "../../command.ts";
import { text, texts } from "../../flags.ts";
import { applicationTable, qualifiedName } from "../../view/application.ts";
import { checkOutput, document } from "../../view/print.ts";

export default command({
  examples: [
    ["All applications", "driftless app list"],
    ["Those with a label", "driftless app list -l team=payments"],
    ["Those of two projects, by name", "driftless app list -p payments -p platform -o name"],
  ],
  flags: {
    output: text("Output format: wide, name, json, yaml", { short: "o", fallback: "wide" }),
    selector: text("Only applications with these labels: a=b, a!=b, a, !a, a in (b,c)", { short: "l" }),
    project: texts("Only applications of this project; may be repeated", { short: "p" }),
    repo: text("Only applications with this repository URL", { short: "r" }),
    path: text("Only applications with this path", { short: "P" }),
    cluster: text("Only applications on this cluster: name or URL", { short: "c" }),
    "app-namespace": text("Only applications in this namespace", { short: "N" }),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    checkOutput(values.output, ["wide", "name", "json", "yaml"]);
    const api = await context.api();
    const found = await api.applications.list(context.op, {
      selector: values.selector,
      projects: values.project,
      repo: values.repo,
      appNamespace: values["app-namespace"],
    });
    const apps = found.filter(({ spec }) => {
      const onCluster = [spec.destination.server, spec.destination.name].includes(values.cluster);
      const atPath = sourcesOf(spec).some((source) => source.path === values.path);
      return (values.cluster === "" || onCluster) && (values.path === "" || atPath);
    });
    if (values.output === "name") context.out.write(apps.map((app) => `${qualifiedName(app)}\n`).join(""));
    else if (values.output === "json" || values.output === "yaml")
      context.out.write(await document(apps, values.output));
    else context.out.write(applicationTable(apps));
  },
});
