// Clusters as the command line describes them: the flags, and what the server is told of a cluster of the kubeconfig. Shared
// by the commands that add clusters and those that only write them down. Connects nowhere.
import type { Connection } from "#kube/connection.ts";
import { inClusterServer } from "#model/names.ts";
import { bool, int, list, text, texts, type FlagValues, type Flags } from "../flags.ts";
import { pairs } from "./pairs.ts";
import type { Cluster, ClusterConfig } from "../server/services.ts";

export const clusterFlags = {
  name: text("Name of the cluster; the context's unless told"),
  kubeconfig: text("The kubeconfig to read"),
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
  "system-namespace": text("Namespace of the service account", { fallback: "kube-system" }),
  "exec-command": text("Program that gives the server its credentials"),
  "exec-command-args": texts("Argument of the program; may be repeated"),
  "exec-command-env": list("Variables of the program: KEY=VALUE"),
  "exec-command-api-version": text("API version that the program speaks"),
  "exec-command-install-hint": text("What to tell where the program is missing"),
  "aws-cluster-name": text("Name of an EKS cluster: the server asks AWS for tokens"),
  "aws-role-arn": text("Role that it asks as"),
  "aws-profile": text("Profile that it asks with"),
  "disable-compression": bool("Answers of the cluster are not compressed"),
} as const satisfies Flags;

type Values = FlagValues<typeof clusterFlags>;

interface Described {
  readonly values: Values;
  readonly name: string;
  /** "" where a program gives the credentials. */
  readonly token: string;
  /** What the cluster says of itself, where its own word counts. */
  readonly open?: { readonly server: string; readonly caData: string | undefined } | undefined;
  /** Proxy of the server, where it is another than the kubeconfig's. */
  readonly serverProxyUrl?: string;
}

/** Takes the connection that the kubeconfig describes; returns what the server is told. Error: INVALID_ARGUMENT. */
export function describedCluster(connection: Connection, described: Described): Cluster {
  const { values, name, open } = described;
  const internal = values["in-cluster"] || values["cluster-endpoint"] === "internal";
  const [labels, annotations] = [pairs("label", values.label), pairs("annotation", values.annotation)];
  return {
    server: internal ? inClusterServer : (open?.server ?? connection.server),
    name,
    config: configOf(connection, described),
    ...(values.namespace.length > 0 ? { namespaces: values.namespace } : {}),
    ...(values["cluster-resources"] ? { clusterResources: true } : {}),
    ...(values.project === "" ? {} : { project: values.project }),
    ...(values.shard < 0 ? {} : { shard: values.shard }),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

function configOf({ tls, proxyUrl }: Connection, { values, token, open, serverProxyUrl }: Described): ClusterConfig {
  const ca = open?.caData ?? (tls.ca === undefined ? undefined : Buffer.from(tls.ca).toString("base64"));
  const proxy = serverProxyUrl || proxyUrl;
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
