// `driftless cluster add`: makes a cluster of the kubeconfig one that applications can go to. On the cluster a service
// account is made, unless a program gives the credentials; the server is told its token, never those of the kubeconfig.
import { DriftlessError } from "#base/errors.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import type { KubeClient } from "#kube/types.ts";
import { saysYes } from "../../asking.ts";
import { clusterFlags, describedCluster } from "../../flags/cluster-flags.ts";
import { installManager, longLivedToken, managerAccount } from "../../kube/cluster-manager.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool, text, type FlagValues, type Flags } from "../../flags.ts";
import { kubeTarget } from "../../kube/kube-connection.ts";
import { listContexts } from "../../kube/kubeconfig.ts";
import { clusters } from "../../server/services.ts";

const flags = {
  ...clusterFlags,
  upsert: bool("Replace what is known of the cluster"),
  yes: bool("Do not ask", { short: "y" }),
  "service-account": text("Service account that is there already, in the system namespace"),
  "proxy-url": text("Proxy to the cluster"),
  "server-proxy-url": text("Proxy that the server uses, where it is another"),
} as const satisfies Flags;

type Values = FlagValues<typeof flags>;

export default command({
  usage: "CONTEXT",
  about: "CONTEXT is one of the kubeconfig; without one they are listed.",
  examples: [
    ["A cluster", "driftless cluster add production"],
    [
      "Only two namespaces of it, without asking",
      "driftless cluster add production --namespace web --namespace api --yes",
    ],
    [
      "With the credentials of a program",
      "driftless cluster add production --exec-command aws-iam-authenticator --exec-command-args token",
    ],
  ],
  flags,
  args: { min: 0, max: 1 },
  async run(context, { values, args }) {
    if (args[0] === undefined) return listContexts(context, values.kubeconfig);
    const proxyUrl = values["proxy-url"];
    const { client, connection } = await kubeTarget(context, {
      name: args[0],
      kubeconfig: values.kubeconfig,
      proxyUrl,
    });
    try {
      const token = await tokenFor(context, client, values, args[0]);
      if (token === undefined) return 1;
      const open = values["cluster-endpoint"] === "kube-public" ? await publicEndpoint(context, client) : undefined;
      const serverProxyUrl = values["server-proxy-url"];
      const name = values.name || args[0];
      const cluster = describedCluster(connection, { values, name, token, open, serverProxyUrl });
      const added = await clusters.create(context.op, await context.api(), cluster, values.upsert);
      context.out.line(`Cluster '${added.server}' added`);
      return 0;
    } finally {
      await client.close();
    }
  },
});

/** The token that the server gets; "" where a program gives the credentials; undefined where the answer was no. */
async function tokenFor(
  context: Context,
  client: KubeClient,
  values: Values,
  name: string,
): Promise<string | undefined> {
  if (values["aws-cluster-name"] !== "" || values["exec-command"] !== "") return "";
  const { op, clock } = context;
  const [namespace, account] = [values["system-namespace"], values["service-account"]];
  if (account !== "") return longLivedToken(op, { client, namespace, account, clock });
  const level = values.namespace.length > 0 ? "namespace" : "cluster";
  const question = `WARNING: This will create a service account \`${managerAccount}\` on the cluster referenced by context \`${name}\` with full ${level} level privileges. Do you want to continue [y/N]?`;
  if (context.out.isTerminal && !values.yes && !(await saysYes(context, question))) return undefined;
  await installManager(op, { client, namespace, namespaces: values.namespace }, (step) => context.err.line(step));
  return longLivedToken(op, { client, namespace, account: managerAccount, clock });
}

/** What the cluster says of itself to everybody. Error: FAILED_PRECONDITION where it says nothing. */
async function publicEndpoint(
  context: Context,
  client: KubeClient,
): Promise<{ readonly server: string; readonly caData: string | undefined }> {
  const type = { group: "", version: "v1", plural: "configmaps", namespaced: true };
  const found = await client.get(context.op, type, { namespace: "kube-public", name: "cluster-info" });
  const { load } = await import("js-yaml");
  const config: unknown = load(stringAt(found, "data", "kubeconfig") ?? "");
  const first: unknown = isObject(config) ? listAt(config, "clusters")[0] : undefined;
  const server = stringAt(first, "cluster", "server");
  if (server === undefined)
    throw new DriftlessError(
      "FAILED_PRECONDITION",
      "the cluster does not tell its address in kube-public/cluster-info",
    );
  return { server, caData: stringAt(first, "cluster", "certificate-authority-data") };
}
