// `--port-forward`: connections to a pod of the server by the cluster of the kubeconfig, as argocd finds it: labelled
// app.kubernetes.io/name, ready, on port 8080. Nothing listens on this machine: each request has a connection of its own.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { listAt, stringAt } from "#base/json.ts";
import { openPortForward } from "#kube/port-forward.ts";
import type { KubernetesObject } from "#model/object.ts";
import { types } from "../admin/target.ts";
import { variable } from "./connect.ts";
import type { Context } from "../context.ts";
import type { Target } from "./http.ts";
import { onKubeconfig } from "../kube/kube-target.ts";

const serverPort = 8080;

/** Finds the pod; returns what makes connections to it. Errors: CONFIG_INVALID, NOT_FOUND, those of the cluster. */
export async function portForward(context: Context): Promise<NonNullable<Target["tunnel"]>> {
  const { global, env } = context;
  const name = global["server-name"] || variable(env, "SERVER_NAME") || "argocd-server";
  return onKubeconfig(context, async ({ client, connection, namespace: own }) => {
    const namespace = global["port-forward-namespace"] || own;
    const labelSelector = `app.kubernetes.io/name=${name}`;
    const { items } = await client.list(context.op, types.pod, { namespace, labelSelector });
    const pod = items.find(isReady)?.metadata.name;
    if (pod === undefined)
      throw new DriftlessError(
        "NOT_FOUND",
        `no pod in namespace ${namespace} of ${connection.name} with the label ${labelSelector} is ready; name another label by --server-name, another namespace by --port-forward-namespace`,
      );
    context.op.log.debug("port-forward", { cluster: connection.name, namespace, pod });
    const headers = { "user-agent": `driftless-cli/${context.version}` };
    return (op: Operation) => openPortForward(op, connection, headers, { namespace, pod, port: serverPort });
  });
}

function isReady(pod: KubernetesObject): boolean {
  if (stringAt(pod, "status", "phase") !== "Running") return false;
  const conditions = listAt(pod, "status", "conditions");
  return conditions.some((item) => stringAt(item, "type") === "Ready" && stringAt(item, "status") === "True");
}
