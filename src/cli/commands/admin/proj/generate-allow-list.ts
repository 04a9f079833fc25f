// `driftless admin proj generate-allow-list`: a project that permits exactly the kinds that a ClusterRole lets one create.
import { writeFileSync } from "node:fs";
import { DriftlessError } from "#base/errors.ts";
import { listAt } from "#base/json.ts";
import type { ResourceType } from "#kube/types.ts";
import { apiVersion } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { targetFlags } from "../../../admin/flags.ts";
import { fileObject } from "../../../admin/settings.ts";
import { onCluster } from "../../../admin/target.ts";
import { command } from "../../../command.ts";
import { text } from "../../../flags.ts";
import { yamlText } from "../../../view/print.ts";

export default command({
  usage: "CLUSTERROLE_PATH PROJ_NAME",
  about: "Which kinds there are, the cluster is asked. Kinds without a namespace are listed as such.",
  examples: [
    ["From a file", "driftless admin proj generate-allow-list ./clusterrole.yaml payments"],
    ["Into a file", "driftless admin proj generate-allow-list ./clusterrole.yaml payments -o payments.yaml"],
  ],
  flags: { ...targetFlags, out: text("File to write; - for standard output", { short: "o", fallback: "-" }) },
  args: { min: 2, max: 2 },
  async run(context, { values, args }) {
    const [path = "", name = ""] = args;
    const role = await fileObject(context, path);
    if (role.kind !== "ClusterRole") throw new DriftlessError("MANIFEST_INVALID", `${path} is not a ClusterRole`);
    const known = await onCluster(context, values, async ({ client }) => {
      const types = await client.discovery.all(context.op);
      for (const { groupVersion, message } of client.discovery.failures())
        context.err.line(`warning: the kinds of ${groupVersion} cannot be read and are left out: ${message}`);
      return types;
    });
    const content = await yamlText({ apiVersion, kind: "AppProject", metadata: { name }, spec: allowed(role, known) });
    if (values.out === "-") context.out.write(content);
    else writeFileSync(values.out, content);
  },
});

/** The lists of kinds that a project gets. */
export function allowed(role: KubernetesObject, known: readonly ResourceType[]): object {
  const may = known.filter(({ group, plural }) =>
    listAt(role, "rules").some(
      (rule) =>
        names(rule, "verbs", (verb) => verb === "*" || verb.toLowerCase() === "create") &&
        names(rule, "apiGroups", (one) => one === "*" || one === group) &&
        names(rule, "resources", (one) => one === "*" || one === plural),
    ),
  );
  const kinds = (namespaced: boolean): object[] =>
    may.filter((type) => type.namespaced === namespaced).map(({ group, kind }) => ({ group, kind }));
  const [inNamespaces, without] = [kinds(true), kinds(false)];
  return {
    ...(without.length > 0 ? { clusterResourceWhitelist: without } : {}),
    ...(inNamespaces.length > 0 ? { namespaceResourceWhitelist: inNamespaces } : {}),
  };
}

const names = (rule: unknown, field: string, fits: (word: string) => boolean): boolean =>
  listAt(rule, field).some((word) => typeof word === "string" && fits(word));
