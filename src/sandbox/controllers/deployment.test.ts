import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "./support/objects.ts";
import { conditionsOf, deployment, World, type Loose } from "./testing/world.ts";

describe("a Deployment", () => {
  let world: World;
  beforeEach(() => (world = new World()));
  afterEach(() => world.stop());
  const web = (): Loose => world.get(kinds.deployment, "web");
  const sets = (): Loose[] => [...world.client.list(kinds.replicaSet, "demo")];
  const sizes = (): Record<string, number> =>
    Object.fromEntries(
      sets().map((set) => [set.metadata.annotations["deployment.kubernetes.io/revision"], set.spec.replicas]),
    );

  it("becomes available", () => {
    world.create(deployment("web", { replicas: 3 }));
    world.settle();
    expect(web().status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      updatedReplicas: 3,
      observedGeneration: 1,
    });
    expect(conditionsOf(web())).toEqual({
      Available: "True MinimumReplicasAvailable",
      Progressing: "True NewReplicaSetAvailable",
    });
    expect(world.pods()).toHaveLength(3);
    expect(new Set(world.pods().map((pod) => pod.status?.podIP)).size).toBe(3);
    expect(web().metadata.annotations["deployment.kubernetes.io/revision"]).toBe("1");
  });
});
