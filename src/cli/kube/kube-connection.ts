// A client of the cluster behind a context of a kubeconfig: for the commands that set clusters up.
import { DriftlessError } from "#base/errors.ts";
import type { Connection } from "#kube/connection.ts";
import type { KubeClient } from "#kube/types.ts";
import type { Context } from "../context.ts";
import { kubeContexts } from "./kubeconfig.ts";

export interface KubeTarget {
  readonly connection: Connection;
  readonly client: KubeClient;
}

/** Error: CONFIG_INVALID where there is no such context. Whoever opens it closes the client. */
export async function kubeTarget(
  context: Context,
  which: { readonly name: string; readonly kubeconfig: string; readonly proxyUrl?: string },
): Promise<KubeTarget> {
  const found = (await kubeContexts(context, which.kubeconfig)).find(({ name }) => name === which.name);
  if (!found) throw new DriftlessError("CONFIG_INVALID", `Context ${which.name} does not exist in kubeconfig`);
  const [{ connectionFromKubeconfig }, { createClient }] = await Promise.all([
    import("#kube/credentials.ts"),
    import("#kube/client.ts"),
  ]);
  const options = {
    clock: context.clock,
    // Spreads retries; a command has few, one after another.
    random: { next: () => 0.5 },
    userAgent: `driftless-cli/${context.version}`,
    environment: context.env,
    context: which.name,
  };
  const connection = connectionFromKubeconfig({ path: found.file }, options);
  const through = which.proxyUrl ? { ...connection, proxyUrl: which.proxyUrl } : connection;
  return { connection: through, client: createClient(through, options) };
}
