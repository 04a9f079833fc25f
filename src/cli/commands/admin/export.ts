// `driftless admin export`: everything that an installation consists of, as one stream of YAML that `admin import` (ours and
// argocd's) brings back.
import { chmodSync, renameSync, statSync, writeFileSync } from "node:fs";
import { DriftlessError } from "#base/errors.ts";
import { targetFlags } from "../../admin/flags.ts";
import { installation, namespaceFlags, namespacesOf } from "../../admin/objects.ts";
import { onCluster } from "../../admin/target.ts";
import { forBackup } from "../../admin/backup.ts";
import { command } from "../../command.ts";
import { text } from "../../flags.ts";
import { yamlText } from "../../view/print.ts";

export default command({
  about:
    "Settings, repositories, clusters, projects, applications and ApplicationSets, with all their Secrets readably in it: keep it safe.",
  examples: [
    ["Into a file", "driftless admin export -n argocd -o backup.yaml"],
    ["From one cluster to another", "driftless admin export --context old | driftless admin import --context new -"],
  ],
  flags: {
    ...targetFlags,
    ...namespaceFlags,
    out: text("File to write; - for standard output", { short: "o", fallback: "-" }),
  },
  args: { min: 0, max: 0 },
  async run(context, { values }) {
    const stream = await onCluster(context, values, async (target) => {
      const namespaces = await namespacesOf(context.op, target, values);
      const found = await installation(context.op, target, namespaces, (sentence) =>
        context.err.line(`warning: ${sentence}`),
      );
      const objects = [
        ...found.configMaps,
        ...found.secrets,
        ...found.projects,
        ...found.applications,
        ...found.applicationSets,
      ];
      const parts = await Promise.all(objects.map((object) => yamlText(forBackup(object, target.namespace))));
      return parts.map((part) => `${part}---\n`).join("");
    });
    if (values.out === "-") context.out.write(stream);
    else writeSafely(values.out, stream);
  },
});

/** The whole file or none of it, readable for its owner alone. */
function writeSafely(file: string, content: string): void {
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) {
      writeFileSync(file, content);
      return;
    }
    writeFileSync(`${file}.new`, content, { mode: 0o600 });
    chmodSync(`${file}.new`, 0o600);
    renameSync(`${file}.new`, file);
  } catch (thrown) {
    const why = (thrown as NodeJS.ErrnoException).code ?? "unknown reason";
    throw new DriftlessError("CONFIG_INVALID", `${file} cannot be written: ${why}`, { cause: thrown });
  }
}
