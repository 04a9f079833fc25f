// `driftless admin cluster kubeconfig`: how the server reaches a cluster, as a kubeconfig to try it with.
import { writeFileSync } from "node:fs";
import { DriftlessError } from "#base/errors.ts";
import type { ClusterSpec } from "#kube/clusters.ts";
import { clusterCalled, knownClusters } from "../../../admin/clusters.ts";
import { targetFlags } from "../../../admin/flags.ts";
import { onCluster } from "../../../admin/target.ts";
import { command } from "../../../command.ts";
import { yamlText } from "../../../view/print.ts";

export default command({
  usage: "CLUSTER_URL OUTPUT_PATH",
  about:
    "CLUSTER_URL is an address or a name. The file holds the credentials and is made for its owner alone; - prints it.",
  examples: [["Into a file", "driftless admin cluster kubeconfig https://10.0.0.1:6443 ./kubeconfig -n argocd"]],
  flags: targetFlags,
  args: { min: 2, max: 2 },
  async run(context, { values, args }) {
    const content = await onCluster(context, values, async (target) => {
      const { spec, secret } = clusterCalled(await knownClusters(context.op, target), args[0]!);
      if (!secret)
        throw new DriftlessError(
          "FAILED_PRECONDITION",
          `${spec.server} is the cluster that the installation is on, and has no Secret: use the kubeconfig you have`,
        );
      return yamlText(kubeconfigOf(spec, target.namespace));
    });
    if (args[1] === "-") context.out.write(content);
    else writeKubeconfig(args[1]!, content);
  },
});

function writeKubeconfig(file: string, content: string): void {
  try {
    writeFileSync(file, content, { mode: 0o600 });
  } catch (thrown) {
    const why = (thrown as NodeJS.ErrnoException).code ?? "unknown reason";
    throw new DriftlessError("CONFIG_INVALID", `${file} cannot be written: ${why}`, { cause: thrown });
  }
}

function kubeconfigOf({ server, config }: ClusterSpec, namespace: string): object {
  const tls = config.tlsClientConfig ?? {};
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": server,
    contexts: [{ name: server, context: { cluster: server, user: server, namespace } }],
    clusters: [
      {
        name: server,
        cluster: {
          server,
          ...(tls.serverName ? { "tls-server-name": tls.serverName } : {}),
          ...(tls.insecure ? { "insecure-skip-tls-verify": true } : {}),
          ...(tls.caData && !tls.insecure ? { "certificate-authority-data": base64Of(tls.caData) } : {}),
          ...(config.proxyUrl ? { "proxy-url": config.proxyUrl } : {}),
          ...(config.disableCompression ? { "disable-compression": true } : {}),
        },
      },
    ],
    users: [{ name: server, user: userOf(config) }],
  };
}

function userOf({
  tlsClientConfig: tls,
  awsAuthConfig: aws,
  execProviderConfig: exec,
  ...config
}: ClusterSpec["config"]): object {
  if (aws?.clusterName)
    return {
      exec: {
        apiVersion: "client.authentication.k8s.io/v1beta1",
        command: "aws",
        args: [
          "eks",
          "get-token",
          "--cluster-name",
          aws.clusterName,
          ...(aws.roleARN ? ["--role-arn", aws.roleARN] : []),
        ],
        env: aws.profile ? [{ name: "AWS_PROFILE", value: aws.profile }] : [],
        interactiveMode: "Never",
      },
    };
  if (exec) {
    const { env = {}, ...rest } = exec;
    const pairs = Object.entries(env).map(([name, value]) => ({ name, value }));
    return {
      exec: { apiVersion: "client.authentication.k8s.io/v1beta1", ...rest, env: pairs, interactiveMode: "Never" },
    };
  }
  return {
    ...(tls?.certData ? { "client-certificate-data": base64Of(tls.certData) } : {}),
    ...(tls?.keyData ? { "client-key-data": base64Of(tls.keyData) } : {}),
    ...(config.username ? { username: config.username, password: config.password ?? "" } : {}),
    ...(config.bearerToken ? { token: config.bearerToken } : {}),
  };
}

/** Some tools write the PEM itself where base64 of it belongs. */
const base64Of = (data: string): string =>
  data.includes("-----BEGIN") ? Buffer.from(data, "utf8").toString("base64") : data;
