// What the stories of one cluster share: one `driftless up`, a repository, and the drivers, logged in.
import { join } from "node:path";
import type { ClusterUnderTest } from "../../support/cluster.ts";
import { cloneRepository, createBare } from "../../support/repository.ts";
import type { Server } from "../../support/rpc.ts";
import { configMap, hookJob, manifests } from "../../support/scenario.ts";
import { startWorld } from "../../support/world.ts";
import type { Driver } from "./driver.ts";
import { temporaryHome, type driverKinds } from "./drivers.ts";
import { secondCluster } from "./second-cluster.ts";
import type { Shared } from "./story.ts";

export interface RunningStage extends Shared {
  readonly drivers: ReadonlyMap<string, Driver>;
  stop(): Promise<void>;
}

/** A pod of this has a name of its own, and says a line when it starts. */
const statefulSet = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "web" },
  spec: {
    serviceName: "web",
    replicas: 1,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "main", image: "registry.example.com/web:1.0" }] },
    },
  },
};
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { clusterIP: "None", selector: { app: "web" }, ports: [{ port: 80 }] },
};

const files = {
  "web/all.yaml": manifests(statefulSet, service, configMap("settings")),
  "small/all.yaml": manifests(configMap("other")),
  "hangs/all.yaml": manifests(configMap("after"), hookJob("hangs", { hook: "PreSync", runFor: "10m" })),
};

/** Starts it; on a real Kubernetes the server speaks TLS, so that both ways are gone. */
export async function startStage(
  cluster: ClusterUnderTest,
  kinds: ReturnType<typeof driverKinds>,
): Promise<RunningStage> {
  const secure = cluster.name === "kubernetes";
  const world = await startWorld(cluster, secure ? ["--tls"] : []);
  const { up, kube } = world;
  const home = temporaryHome();
  world.later(() => home.remove());
  const newRepository = async (name: string): Promise<string> => {
    await createBare(join(up.dataDir, "repositories", `${name}.git`));
    return new URL(`/${name}.git`, up.cloneUrl).href;
  };
  const repoURL = await newRepository("stories");
  const repository = await cloneRepository(repoURL);
  world.later(() => repository.close());
  await repository.push(files);
  const secret = secure ? await kube.get("Secret", "argocd-secret", up.namespace) : undefined;
  const data = secret?.["data"] as Record<string, string> | undefined;
  const server: Server = {
    url: up.url,
    token: await up.api.token(),
    ...(data ? { ca: Buffer.from(data["tls.crt"]!, "base64").toString("utf8") } : {}),
  };
  const drivers = new Map(kinds.map((kind) => [kind.name, kind.make(server, home.path)]));
  world.later(async () => {
    for (const driver of drivers.values()) await driver.close();
  });
  const anotherCluster: Shared["anotherCluster"] = async () => {
    const second = await secondCluster(up.kubeconfig, home.path);
    world.later(() => second.close());
    return second;
  };
  return { world, repoURL, newRepository, anotherCluster, drivers, stop: () => world.stop() };
}
