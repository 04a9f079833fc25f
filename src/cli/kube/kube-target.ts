// The cluster of the kubeconfig, as kubectl's flags and --kube-context choose it, for commands that reach our server, or do
// without it, by way of the cluster. `--server`, which is our server's address, is not the API server's here.
import { targetFlags, type TargetValues } from "../admin/flags.ts";
import { onCluster, type AdminTarget } from "../admin/target.ts";
import type { Context } from "../context.ts";

/** Runs `work` on it and closes the client. Errors: CONFIG_INVALID where there is no such kubeconfig or context; those of `work`. */
export function onKubeconfig<T>(context: Context, work: (target: AdminTarget) => Promise<T>): Promise<T> {
  const defaults = Object.fromEntries(Object.entries(targetFlags).map(([name, flag]) => [name, flag.fallback]));
  const values = { ...defaults, ...context.kube } as unknown as TargetValues;
  return onCluster({ ...context, global: { ...context.global, server: "" } }, values, work);
}
