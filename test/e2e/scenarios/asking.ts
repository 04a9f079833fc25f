// What the API answers about applications and their objects, field by field: trees with nodes, orphans and addresses, links by
// the settings, events, actions with parameters, patches and deletions of every kind.
import { expect } from "vitest";
import type { JsonObject } from "#base/json.ts";
import {
  configMap,
  deployment,
  field,
  manifests,
  scenario,
  type AppHandle,
  type Scenario,
  type Stage,
} from "../../support/scenario.ts";

interface TreeNode {
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
  readonly [name: string]: unknown;
}

interface Tree {
  readonly nodes: readonly TreeNode[];
  readonly orphanedNodes?: readonly TreeNode[];
  readonly hosts?: readonly JsonObject[];
}

const treeOf = (stage: Stage, app: AppHandle): Promise<Tree> =>
  stage.up.api.must<Tree>("GET", `/api/v1/applications/${app.name}/resource-tree`);

/** The first message of a stream. */
async function firstOf<T>(stage: Stage, path: string): Promise<T> {
  const ending = new AbortController();
  const response = await fetch(new URL(path, stage.up.url), {
    headers: { authorization: `Bearer ${await stage.up.api.token()}` },
    signal: AbortSignal.any([ending.signal, AbortSignal.timeout(20_000)]),
  });
  let text = "";
  try {
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk as Uint8Array).toString("utf8");
      if (text.includes("\n")) return (JSON.parse(text.slice(0, text.indexOf("\n"))) as { result: T }).result;
    }
  } finally {
    ending.abort();
  }
  throw new Error(`${path} ended with ${response.status} ${text}`);
}

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
};
const ingress = {
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { name: "web", annotations: { "link.argocd.argoproj.io/docs": "Docs|https://docs.example.com" } },
  spec: {
    tls: [{ hosts: ["shop.example.com"] }],
    rules: [
      {
        host: "shop.example.com",
        http: {
          paths: [{ path: "/cart", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } }],
        },
      },
    ],
  },
};
const requests = { resources: { requests: { cpu: "250m", memory: "64Mi" } } };

/** Given: an application of one ConfigMap with two fields, and where its objects are asked for. */
async function ofOneConfigMap(
  stage: Stage,
): Promise<{ readonly app: AppHandle; readonly path: (more?: string) => string }> {
  const repository = await stage.repository({ "a.yaml": manifests(configMap("it", { a: "1", b: "2" })) });
  const app = await stage.application({ repository, automated: { prune: false, selfHeal: false } });
  await app.synced();
  return {
    app,
    path: (more = "") =>
      `/api/v1/applications/${app.name}/resource?version=v1&kind=ConfigMap&namespace=${stage.namespace}&resourceName=it${more}`,
  };
}

export const asking: readonly Scenario[] = [
  scenario("a tree tells of nodes, orphans, images and addresses", async (stage) => {
    const project = {
      metadata: { name: stage.name },
      spec: {
        sourceRepos: ["*"],
        destinations: [{ server: "*", namespace: "*" }],
        orphanedResources: { warn: false, ignore: [{ kind: "ConfigMap", name: "kube-root-ca.crt" }] },
      },
    };
    await stage.up.api.must("POST", "/api/v1/projects", { project });
    stage.world.later(() => stage.kube.remove("AppProject", stage.name, stage.up.namespace));
    const web = deployment("web", { image: "registry.example.com/web:1.0" });
    const [container] = field(web, "spec", "template", "spec", "containers") as unknown as JsonObject[];
    Object.assign(container!, requests);
    const repository = await stage.repository({ "web.yaml": manifests(web, service, ingress) });
    const app = await stage.application({ repository, automated: true, project: stage.name });
    await app.is({ sync: "Synced" });

    await stage.kube.create({
      ...configMap("nobodys"),
      metadata: { name: "nobodys", namespace: stage.namespace },
    });

    const tree = await stage.until(async () => {
      const found = await treeOf(stage, app);
      expect(found.orphanedNodes?.filter(({ kind }) => kind === "ConfigMap").map(({ name }) => name)).toEqual([
        "nobodys",
      ]);
      expect(found.hosts).toHaveLength(1);
      // Nobody answers for an Ingress on the real cluster.
      if (stage.world.cluster === "sandbox")
        expect(
          field(
            found.nodes.find(({ kind }) => kind === "Ingress"),
            "networkingInfo",
            "ingress",
          ),
        ).toBeDefined();
      expect(
        field(
          found.nodes.find(({ kind }) => kind === "Pod"),
          "health",
          "status",
        ),
      ).toBe("Healthy");
      return found;
    });
    const of = (wanted: string): TreeNode => tree.nodes.find(({ kind }) => kind === wanted)!;
    expect(of("Ingress")["networkingInfo"]).toEqual({
      targetRefs: [{ kind: "Service", namespace: stage.namespace, name: "web" }],
      ...(stage.world.cluster === "sandbox" ? { ingress: [expect.anything()] } : {}),
      externalURLs: ["Docs|https://docs.example.com", "https://shop.example.com/cart"],
    });
    expect(of("Service")["networkingInfo"]).toEqual({ targetLabels: { app: "web" } });
    expect(of("Pod")).toMatchObject({
      images: ["registry.example.com/web:1.0"],
      networkingInfo: { labels: { app: "web" } },
      parentRefs: [{ group: "apps", version: "v1", kind: "ReplicaSet", namespace: stage.namespace }],
    });
    const info = Object.fromEntries(
      (of("Pod")["info"] as { name: string; value: string }[]).map((i) => [i.name, i.value]),
    );
    expect(info).toMatchObject({ "Status Reason": "Running", Containers: "1/1", cpu: "250", memory: "67108864000" });
    const [host] = tree.hosts!;
    expect(host).toMatchObject({ name: info["Node"], systemInfo: { operatingSystem: "linux" } });
    expect(host!["resourcesInfo"]).toMatchObject([
      { resourceName: "cpu", requestedByApp: 250 },
      { resourceName: "memory", requestedByApp: 67_108_864_000 },
    ]);
    const { status } = await app.get();
    expect(status?.summary).toEqual({
      images: ["registry.example.com/web:1.0"],
      externalURLs: ["Docs|https://docs.example.com", "https://shop.example.com/cart"],
    });
    const watched = await firstOf<Tree>(stage, `/api/v1/stream/applications/${app.name}/resource-tree`);
    const names = (each: Tree): string[] => each.nodes.map(({ kind, name }) => `${kind}/${name}`).sort();
    expect(names(watched)).toEqual(names(tree));
  }),

  scenario("links lead on from applications and their objects", async (stage) => {
    const mine = `application.metadata.name == "${stage.name}"`;
    const rules = {
      "application.links": JSON.stringify([
        { url: "https://x.example.com/?q={{ .app.metadata.name | urlquery }}%26", title: "A", if: mine },
        { url: "https://x.example.com/never", title: "B", if: "false" },
        { url: "https://x.example.com/{{ .nothing.at.all }}", title: "C", if: mine },
        { url: "javascript:alert(1)", title: "D", if: mine },
        { url: "https://x.example.com/", title: "E", if: 'application.metadata.name contains "[' },
        { url: "/local/{{ .app.spec.project }}", title: "F", description: "here", "icon.class": "fa-link", if: mine },
      ]),
      "resource.links": JSON.stringify([
        {
          url: 'https://x.example.com/{{ .resource.kind }}/{{ .resource.metadata.name }}?d={{ index .resource.data "secret" | urlquery }}',
          title: "R",
          if: `${mine} && resource.kind == "Secret"`,
        },
        { url: "https://x.example.com/{{ .cluster.name }}/{{ .project.metadata.name }}", title: "S", if: mine },
      ]),
    };
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { secret: "canary" } };
    const repository = await stage.repository({ "a.yaml": manifests(secret) });
    const app = await stage.application({ repository, automated: true });
    await app.synced();

    await stage.kube.edit("ConfigMap", { name: "argocd-cm", namespace: stage.up.namespace }, { data: rules });
    stage.world.later(async () => {
      const none = { "application.links": null, "resource.links": null };
      await stage.kube.edit("ConfigMap", { name: "argocd-cm", namespace: stage.up.namespace }, { data: none });
    });

    const base = `/api/v1/applications/${app.name}`;
    await stage.until(async () =>
      expect(await stage.up.api.must("GET", `${base}/links`)).toEqual({
        items: [
          { title: "A", url: `https://x.example.com/?q=${stage.name}%26` },
          { title: "F", url: "/local/default", description: "here", iconClass: "fa-link" },
        ],
      }),
    );
    const about = `version=v1&kind=Secret&namespace=${stage.namespace}&resourceName=s`;
    const found = await stage.up.api.must("GET", `${base}/resource/links?${about}`);
    expect(JSON.stringify(found)).not.toMatch(/canary|Y2FuYXJ5/);
    expect(found).toEqual({
      items: [
        { title: "R", url: expect.stringMatching(/^https:\/\/x\.example\.com\/Secret\/s\?d=[%2B*]+$/) },
        { title: "S", url: "https://x.example.com/in-cluster/default" },
      ],
    });
  }),

  scenario("events of an application and of its objects", async (stage) => {
    const repository = await stage.repository({ "web.yaml": manifests(deployment("web")) });
    const app = await stage.application({ repository, automated: true });
    await app.is({ sync: "Synced" });
    const base = `/api/v1/applications/${app.name}/events`;
    const reasons = async (query: string): Promise<readonly unknown[]> => {
      const { items } = await stage.up.api.must<{ items: JsonObject[] }>("GET", `${base}${query}`);
      return items.map((item) => [field(item, "involvedObject", "kind"), item["reason"]]);
    };

    const pod = await stage.until(async () => {
      const found = (await treeOf(stage, app)).nodes.find(({ kind }) => kind === "Pod");
      expect(found).toBeDefined();
      return found!;
    });

    await stage.until(async () => {
      expect(await reasons("")).toContainEqual(["Application", "OperationCompleted"]);
      const about = `?resourceNamespace=${stage.namespace}&resourceName=`;
      expect(await reasons(`${about}web`)).toContainEqual(["Deployment", "ScalingReplicaSet"]);
      const ofPod = await reasons(`${about}${pod.name}&resourceUID=${pod.uid}`);
      expect(ofPod).toContainEqual(["Pod", "Scheduled"]);
    });
    // Events are told only of what is the application's.
    const foreign = await stage.up.api.call("GET", `${base}?resourceNamespace=kube-system&resourceName=coredns`);
    expect(foreign.status).toBe(404);
  }),

  scenario("actions take parameters, and say what they lack", async (stage) => {
    const repository = await stage.repository({ "web.yaml": manifests(deployment("web")) });
    const app = await stage.application({ repository, automated: { prune: false, selfHeal: false } });
    await app.synced();
    const base = `/api/v1/applications/${app.name}/resource/actions`;
    const about = { namespace: stage.namespace, resourceName: "web", group: "apps", version: "v1", kind: "Deployment" };
    const run = (action: string, params: readonly object[] = []) =>
      stage.up.api.call("POST", `${base}/v2`, { ...about, action, resourceActionParameters: params });
    const query = new URLSearchParams(about).toString();

    const listed = await stage.up.api.must<{ actions: JsonObject[] }>("GET", `${base}?${query}`);
    expect(listed.actions.find(({ name }) => name === "scale")).toMatchObject({ params: [{ name: "replicas" }] });
    expect(listed.actions.find(({ name }) => name === "resume")).toMatchObject({ disabled: true });

    expect((await run("scale", [{ name: "replicas", value: "3" }])).status).toBe(200);

    await stage.live("Deployment", "web", (object) => expect(field(object, "spec", "replicas")).toBe(3));
    expect((await run("scale", [{ name: "replicas", value: "many" }])).status).toBe(400);
    expect((await run("resume")).status).toBe(400);
    expect((await run("nothing")).status).toBe(404);
    // As clients before 3.1 ask: the body is the action's name.
    expect((await stage.up.api.call("POST", `${base}?${query}`, "restart")).status).toBe(200);
    await stage.live("Deployment", "web", (object) =>
      expect(
        field(object, "spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"),
      ).toBeDefined(),
    );
  }),

  scenario("a live object is patched in every way there is", async (stage) => {
    const { path } = await ofOneConfigMap(stage);
    const patched = async (type: string, patch: unknown): Promise<unknown> => {
      const query = `&patchType=${encodeURIComponent(type)}`;
      const { manifest } = await stage.up.api.must<{ manifest: string }>("POST", path(query), JSON.stringify(patch));
      const object = JSON.parse(manifest) as JsonObject;
      expect(field(object, "metadata", "managedFields")).toBe(undefined);
      return object["data"];
    };

    expect(await patched("application/merge-patch+json", { data: { a: "merge", b: null } })).toEqual({ a: "merge" });
    expect(await patched("application/strategic-merge-patch+json", { data: { c: "strategic" } })).toEqual({
      a: "merge",
      c: "strategic",
    });
    expect(await patched("application/json-patch+json", [{ op: "remove", path: "/data/c" }])).toEqual({ a: "merge" });
    const applied = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "it", namespace: stage.namespace },
      data: { d: "apply" },
    };
    expect(await patched("application/apply-patch+yaml", applied)).toEqual({ a: "merge", d: "apply" });
    for (const [type, patch] of [
      ["application/odd", "{}"],
      ["merge", "no JSON"],
      ["json", JSON.stringify({ a: 1 })],
    ] as const) {
      const query = `&patchType=${encodeURIComponent(type)}`;
      const { status } = await stage.up.api.call("POST", path(query), patch);
      expect([type, status]).toEqual([type, 400]);
    }
  }),

  scenario("a live object is deleted gracefully, by force, or alone", async (stage) => {
    const repository = await stage.repository({
      "web.yaml": manifests(deployment("alone"), deployment("forced"), deployment("graceful")),
    });
    const app = await stage.application({ repository, automated: { prune: false, selfHeal: false } });
    await app.synced();
    const remove = (name: string, how: string) =>
      stage.up.api.must(
        "DELETE",
        `/api/v1/applications/${app.name}/resource?group=apps&version=v1&kind=Deployment&namespace=${stage.namespace}&resourceName=${name}${how}`,
      );
    const replicaSets = async (name: string): Promise<number> =>
      (await stage.kube.list("ReplicaSet", stage.namespace, `app=${name}`)).length;

    await remove("alone", "&orphan=true");
    await remove("forced", "&force=true");
    await remove("graceful", "");

    for (const name of ["alone", "forced", "graceful"]) await stage.gone("Deployment", name);
    await stage.until(async () => expect(await replicaSets("forced")).toBe(0));
    expect(await replicaSets("graceful")).toBe(0);
    expect(await replicaSets("alone")).toBe(1);
    await app.is({ sync: "OutOfSync" });
  }),
];
