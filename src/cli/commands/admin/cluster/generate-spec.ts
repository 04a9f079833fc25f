// `driftless admin cluster generate-spec`: the Secret that `cluster add` would lead to. Holds what lets one in: to be sealed
// before it is committed.
import { DriftlessError } from "#base/errors.ts";
import { clusterFlags, describedCluster } from "../../../flags/cluster-flags.ts";
import { longLivedToken, managerAccount } from "../../../kube/cluster-manager.ts";
import { command } from "../../../command.ts";
import type { Context } from "../../../context.ts";
import { bool, text, type FlagValues, type Flags } from "../../../flags.ts";
import { outputFlags, readable, writeGenerated } from "../../../flags/generated.ts";
import { kubeTarget, type KubeTarget } from "../../../kube/kube-connection.ts";
import { listContexts } from "../../../kube/kubeconfig.ts";

const flags = {
  ...clusterFlags,
  ...outputFlags,
  "bearer-token": text("Token that the server gets"),
  "generate-bearer-token": bool("Take the token of the service account, from the cluster"),
  "service-account": text("Service account whose token is taken", { fallback: managerAccount }),
} as const satisfies Flags;

export default command({
  usage: "CONTEXT",
  about:
    "CONTEXT is one of the kubeconfig; without one they are listed. Connects to the cluster only for --generate-bearer-token. The certificate of the kubeconfig's user is never written down.",
  examples: [
    [
      "With the token of the service account that cluster add made",
      "driftless admin cluster generate-spec production --generate-bearer-token",
    ],
    ["With the credentials of a program", "driftless admin cluster generate-spec production --aws-cluster-name prod"],
  ],
  flags,
  args: { min: 0, max: 1 },
  async run(context, { values, args }) {
    if (args[0] === undefined) return listContexts(context, values.kubeconfig);
    if (values["in-cluster"] && values["cluster-endpoint"] !== "")
      throw new DriftlessError("INVALID_ARGUMENT", "Can only use one of --in-cluster or --cluster-endpoint");
    const target = await kubeTarget(context, { name: args[0], kubeconfig: values.kubeconfig });
    try {
      if (values["cluster-endpoint"] === "kube-public")
        context.err.line("kube-public is not asked for: the address of the kubeconfig is written");
      const token = await tokenFor(context, values, target);
      const name = values.name || args[0];
      const cluster = describedCluster(target.connection, { values, name, token });
      const { clusterSecret } = await (await context.admin()).secrets();
      await writeGenerated(context, readable(clusterSecret(cluster, "")), values);
      return 0;
    } finally {
      await target.client.close();
    }
  },
});

async function tokenFor(context: Context, values: FlagValues<typeof flags>, { client }: KubeTarget): Promise<string> {
  if (values["aws-cluster-name"] !== "" || values["exec-command"] !== "") return "";
  const { op, clock } = context;
  const [namespace, account] = [values["system-namespace"], values["service-account"]];
  if (values["generate-bearer-token"]) return longLivedToken(op, { client, namespace, account, clock });
  if (values["bearer-token"] !== "") return values["bearer-token"];
  context.err.line(
    'the Secret has no token: put one in the place of "bearer-token", or give --bearer-token or --generate-bearer-token',
  );
  return "bearer-token";
}
