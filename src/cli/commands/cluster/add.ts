// `driftless cluster add`: makes a cluster of the kubeconfig one that applications can go to. On the cluster a service
// account is made, unless a program gives the credentials; the server is told its token, never those of the kubeconfig.
import { DriftlessError } from "#base/errors.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import type { Connection } from "#kube/connection.ts";
import type { KubeClient } from "#kube/types.ts";
import { inClusterServer } from "#model/names.ts";
import { saysYes } from "../../asking.ts";
import { installManager, longLivedToken, managerAccount } from "../../cluster-manager.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool, int, list, text, texts, type FlagValues, type Flags } from "../../flags.ts";
import { kubeTarget } from "../../kube-connection.ts";
import { kubeContexts } from "../../kubeconfig.ts";
import { pairs } from "../../pairs.ts";
import { clusters, type Cluster, type ClusterConfig } from "../../services.ts";
import { table } from "../../view/table.ts";

const flags = {
  name: text("Name of the cluster; the context's unless told"),
  kubeconfig: text("The kubeconfig to read"),
  upsert: bool("Replace what is known of the cluster"),
  yes: bool("Do not ask", { short: "y" }),
  "in-cluster": bool("The server runs in this cluster: use its own address for it"),
  "cluster-endpoint": text("Which address the server uses: kubeconfig, kube-public, internal", {
    choices: ["", "kubeconfig", "kube-public", "internal"],
  }),
  namespace: texts("Namespace that may be managed; may be repeated; all unless told"),
  "cluster-resources": bool("With --namespace: objects without a namespace may be managed, too"),
  project: text("Project that the cluster belongs to"),
  label: texts("Label KEY=VALUE; may be repeated"),
  annotation: texts("Annotation KEY=VALUE; may be repeated"),
  shard: int("Shard of the controller; any unless told", { fallback: -1 }),
  "service-account": text("Service account that is there already, in the system namespace"),
  "system-namespace": text("Namespace of the service account", { fallback: "kube-system" }),
  "exec-command": text("Program that gives the server its credentials"),
  "exec-command-args": texts("Argument of the program; may be repeated"),
  "exec-command-env": list("Variables of the program: KEY=VALUE"),
  "exec-command-api-version": text("API version that the program speaks"),
  "exec-command-install-hint": text("What to tell where the program is missing"),
  "aws-cluster-name": text("Name of an EKS cluster: the server asks AWS for tokens"),
  "aws-role-arn": text("Role that it asks as"),
  "aws-profile": text("Profile that it asks with"),
  "proxy-url": text("Proxy to the cluster"),
  "server-proxy-url": text("Proxy that the server uses, where it is another"),
  "disable-compression": bool("Answers of the cluster are not compressed"),
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
      const cluster = await clusterOf(context, { client, connection }, { values, name: values.name || args[0], token });
      const added = await clusters.create(context.op, await context.api(), cluster, values.upsert);
      context.out.line(`Cluster '${added.server}' added`);
      return 0;
    } finally {
      await client.close();
    }
  },
});

async function listContexts(context: Context, kubeconfig: string): Promise<number> {
  context.err.line("Choose a context name from:");
  const rows = (await kubeContexts(context, kubeconfig)).map(({ name, cluster, server, current }) => [
    current ? "*" : "",
    name,
    cluster,
    server,
  ]);
  context.out.write(table([["CURRENT", "NAME", "CLUSTER", "SERVER"], ...rows]));
  return 1;
}

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

async function clusterOf(
  context: Context,
  { client, connection }: { readonly client: KubeClient; readonly connection: Connection },
  { values, name, token }: { readonly values: Values; readonly name: string; readonly token: string },
): Promise<Cluster> {
  const internal = values["in-cluster"] || values["cluster-endpoint"] === "internal";
  const open = values["cluster-endpoint"] === "kube-public" ? await publicEndpoint(context, client) : undefined;
  const [labels, annotations] = [pairs("label", values.label), pairs("annotation", values.annotation)];
  return {
    server: internal ? inClusterServer : (open?.server ?? connection.server),
    name,
    config: configOf(connection, { values, token, caData: open?.caData }),
    ...(values.namespace.length > 0 ? { namespaces: values.namespace } : {}),
    ...(values["cluster-resources"] ? { clusterResources: true } : {}),
    ...(values.project === "" ? {} : { project: values.project }),
    ...(values.shard < 0 ? {} : { shard: values.shard }),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

function configOf(
  { tls, proxyUrl }: Connection,
  { values, token, caData }: { readonly values: Values; readonly token: string; readonly caData: string | undefined },
): ClusterConfig {
  const ca = caData ?? (tls.ca === undefined ? undefined : Buffer.from(tls.ca).toString("base64"));
  const proxy = values["server-proxy-url"] || proxyUrl;
  return {
    tlsClientConfig: {
      insecure: tls.insecure ?? false,
      ...(tls.servername === undefined ? {} : { serverName: tls.servername }),
      // An authority and no verification contradict each other.
      ...(ca === undefined || tls.insecure ? {} : { caData: ca }),
    },
    ...credentials(values, token),
    ...(values["disable-compression"] ? { disableCompression: true } : {}),
    ...(proxy ? { proxyUrl: proxy } : {}),
  };
}

function credentials(values: Values, token: string): ClusterConfig {
  if (values["aws-cluster-name"] !== "")
    return {
      awsAuthConfig: {
        clusterName: values["aws-cluster-name"],
        ...(values["aws-role-arn"] === "" ? {} : { roleARN: values["aws-role-arn"] }),
        ...(values["aws-profile"] === "" ? {} : { profile: values["aws-profile"] }),
      },
    };
  if (values["exec-command"] === "") return { bearerToken: token };
  return {
    execProviderConfig: {
      command: values["exec-command"],
      args: values["exec-command-args"],
      env: pairs("exec-command-env", values["exec-command-env"]),
      ...(values["exec-command-api-version"] === "" ? {} : { apiVersion: values["exec-command-api-version"] }),
      ...(values["exec-command-install-hint"] === "" ? {} : { installHint: values["exec-command-install-hint"] }),
    },
  };
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
