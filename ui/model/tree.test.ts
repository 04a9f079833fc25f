import { describe, expect, it } from "vitest";
import type { ResourceNode } from "#protocol/rest.ts";
import { application } from "./testing.ts";
import { buildTree, groupFrom, noResourceFilters, resourcesOf, rootId, type TreeItem } from "./tree.ts";

const node = (
  kind: string,
  name: string,
  more: Partial<ResourceNode> & { readonly owner?: string } = {},
): ResourceNode => {
  const { owner, ...rest } = more;
  return {
    version: "v1",
    kind,
    name,
    namespace: "shop",
    uid: `${kind}-${name}`,
    ...(owner ? { parentRefs: [{ version: "v1", kind: "any", name: "any", uid: owner }] } : {}),
    ...rest,
  };
};
const pods = (count: number): ResourceNode[] =>
  Array.from({ length: count }, (_, index) =>
    node("Pod", `web-${index}`, {
      owner: "ReplicaSet-web",
      health: { status: index === 0 ? "Degraded" : "Healthy" },
    }),
  );
const workload = (count: number): ResourceNode[] => [
  node("Deployment", "web", { group: "apps" }),
  node("ReplicaSet", "web", { group: "apps", owner: "Deployment-web" }),
  ...pods(count),
  node("ConfigMap", "settings"),
];
const app = {
  ...application({ name: "shop" }),
  status: {
    resources: [
      { group: "apps", version: "v1", kind: "Deployment", namespace: "shop", name: "web", status: "OutOfSync" },
      {
        version: "v1",
        kind: "Service",
        namespace: "shop",
        name: "web",
        status: "OutOfSync",
        health: { status: "Missing" },
      },
    ],
  },
} as const;
const show = (item: TreeItem): string =>
  item.type === "group"
    ? `${item.members.length}×${item.kind}`
    : item.type === "resource"
      ? `${item.resource.node.kind}/${item.resource.node.name}${item.dimmed ? " (dimmed)" : ""}`
      : item.name;
const draw = (nodes: ResourceNode[], filters = {}, open: string[] = []): string[] =>
  buildTree("shop", resourcesOf(app, nodes), { ...noResourceFilters, ...filters }, new Set(open)).items.map(show);

describe("the resource tree", () => {
  it("joins live objects with the status, and has what only the status knows", () => {
    const found = resourcesOf(app, workload(1));
    expect(found.find((each) => each.node.kind === "Deployment")?.status?.status).toBe("OutOfSync");
    expect(found.at(-1)?.node).toMatchObject({ kind: "Service", health: { status: "Missing" } });
    expect(found.find((each) => each.node.kind === "Pod")?.status).toBeUndefined();
  });
  it("draws few children one by one, parents before children", () => {
    expect(draw(workload(2))).toEqual([
      "shop",
      "Deployment/web",
      "ReplicaSet/web",
      "Pod/web-0",
      "Pod/web-1",
      "ConfigMap/settings",
      "Service/web",
    ]);
  });
  it("draws many equal leaves of one parent as one, the worst health first", () => {
    const tree = buildTree("shop", resourcesOf(app, workload(groupFrom + 1)), noResourceFilters, new Set());
    const group = tree.items.find((item) => item.type === "group");
    expect(group).toMatchObject({
      kind: "Pod",
      health: [
        ["Degraded", 1],
        ["Healthy", groupFrom],
      ],
    });
    expect(tree.edges).toContainEqual(["ReplicaSet-web", group!.id]);
  });
  it("draws a group's members inside it once it is open", () => {
    const group = "ReplicaSet-web>/Pod";
    const tree = buildTree("shop", resourcesOf(app, workload(groupFrom)), noResourceFilters, new Set([group]));
    expect(tree.items.map(show)).toContain("Pod/web-3");
    expect(tree.items.filter((item) => item.type === "resource" && item.block === group)).toHaveLength(groupFrom);
    expect(tree.edges.filter(([parent]) => parent === "ReplicaSet-web")).toEqual([["ReplicaSet-web", group]]);
  });
  it("does not fold objects that have children of their own", () => {
    const sets = Array.from({ length: groupFrom }, (_, i) => node("ReplicaSet", `r${i}`, { owner: "Deployment-web" }));
    const children = sets.map((set, i) => node("Pod", `p${i}`, { owner: set.uid! }));
    expect(
      draw([node("Deployment", "web"), ...sets, ...children]).filter((item) => item.startsWith("ReplicaSet")),
    ).toHaveLength(groupFrom);
  });
  it("keeps ancestors of what matches, dimmed, and leaves out the rest", () => {
    expect(draw(workload(2), { kinds: ["Pod"], text: "web-1" })).toEqual([
      "shop",
      "Deployment/web (dimmed)",
      "ReplicaSet/web (dimmed)",
      "Pod/web-1",
    ]);
    expect(draw(workload(2), { sync: ["OutOfSync"] })).toEqual(["shop", "Deployment/web", "Service/web"]);
    expect(draw(workload(2), { health: ["Degraded"] })).toContain("Pod/web-0");
  });
  it("survives owners that own each other, and owners that are not there", () => {
    const a = node("A", "a", { owner: "B-b" });
    const b = node("B", "b", { owner: "A-a" });
    expect(draw([a, b, node("C", "c", { owner: "nobody" })])).toEqual(["shop", "C/c", "Deployment/web", "Service/web"]);
  });
  it("draws an object of two owners once, with an edge from each", () => {
    const shared: ResourceNode = {
      ...node("Secret", "s"),
      parentRefs: [
        { version: "v1", kind: "A", name: "a", uid: "A-a" },
        { version: "v1", kind: "B", name: "b", uid: "B-b" },
      ],
    };
    const tree = buildTree(
      "shop",
      resourcesOf(app, [node("A", "a"), node("B", "b"), shared]),
      noResourceFilters,
      new Set(),
    );
    expect(tree.edges.filter(([, child]) => child === "Secret-s")).toEqual([
      ["A-a", "Secret-s"],
      ["B-b", "Secret-s"],
    ]);
    expect(tree.items.filter((item) => item.id === "Secret-s")).toHaveLength(1);
    expect(tree.items[0]?.id).toBe(rootId);
  });
});
