// Starts what the scenarios of one cluster share: the cluster, one `driftless up` on it, a client beside it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterUnderTest } from "./cluster.ts";
import { connectKube } from "./kube.ts";
import type { World } from "./scenario.ts";
import { startUp } from "./up.ts";

export interface RunningWorld extends World {
  stop(): Promise<void>;
}

/** On the sandbox `driftless up` brings its own cluster; a real one is started first. Takes further flags of it. */
export async function startWorld(cluster: ClusterUnderTest, more: readonly string[] = []): Promise<RunningWorld> {
  const real = cluster.name === "sandbox" ? undefined : await cluster.start();
  const endings: (() => Promise<void> | void)[] = real ? [() => real.stop()] : [];
  const end = async (): Promise<void> => {
    for (const ending of endings.splice(0).reverse()) await ending();
  };
  try {
    const pluginCommands = mkdtempSync(join(tmpdir(), "driftless-plugins-"));
    endings.push(() => rmSync(pluginCommands, { recursive: true, force: true }));
    const flags = ["--plugin-commands", pluginCommands, ...more];
    const up = await startUp(real ? { kubeconfig: real.kubeconfig, flags } : { flags });
    endings.push(() => up.stop());
    const kube = connectKube(up.kubeconfig);
    endings.push(() => kube.close());
    // Waves without the pause between them: what is tested is their order.
    await kube.edit(
      "ConfigMap",
      { name: "argocd-cmd-params-cm", namespace: up.namespace },
      { data: { "controller.sync.wave.delay.seconds": "0" } },
    );
    const later: World["later"] = (cleanUp) => endings.push(cleanUp);
    return { cluster: cluster.name, up, kube, pluginCommands, later, stop: end };
  } catch (thrown) {
    await end();
    throw thrown;
  }
}
