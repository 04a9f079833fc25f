import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Application } from "#model/application.ts";
import { ApplicationListSchema } from "#protocol/gen/argoproj/v1alpha1_pb.js";
import { fromJson, toJson } from "#protocol/json.ts";
import type { PreparedAnswer } from "../../rpc/prepared.ts";
import { Listing, type ListingDeps } from "./listing.ts";
import { sortKeys } from "./listing-rows.ts";
import { filterOf, pageOf, type ProtocolQuery, type QueryParameters } from "./listing-query.ts";

/** The JSON of an answer, as REST sends it. */
async function textOf(answer: PreparedAnswer, fields = ""): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of answer.pieces(fields)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

type Told = { before: Application | undefined; after: Application | undefined };

/** Applications as an informer holds them. */
class World {
  readonly objects = new Map<string, Application>();
  readonly listeners = new Set<(change: Told) => void>();
  readonly tables = new Map<string, { version: number }>();
  presentedTimes = 0;
  version = 100;
  readonly listing: Listing;

  constructor(keptBytes?: number) {
    const deps = {
      applications: {
        values: () => this.objects.values(),
        subscribe: (listener: (change: Told) => void) => this.listeners.add(listener),
        resourceVersion: "100",
      },
      controller: {
        state: (_namespace: string, name: string) => {
          const table = this.tables.get(name);
          return table && { table };
        },
      },
      normaliseUrl: (url: string) => url.replace(/\.git$/, ""),
      presented: (app: Application) => {
        this.presentedTimes++;
        return { ...app, apiVersion: "argoproj.io/v1alpha1" };
      },
    };
    this.listing = new Listing(deps as unknown as ListingDeps, keptBytes);
  }

  set(
    name: string,
    fields: Partial<Record<"project" | "cluster" | "sync" | "health" | "repo" | "team", string>>,
  ): void {
    const after = {
      metadata: {
        name,
        namespace: "argocd",
        resourceVersion: String(++this.version),
        creationTimestamp: `2026-01-01T00:00:${10 + (this.version % 3)}Z`,
        labels: { team: fields.team ?? "a" },
      },
      spec: {
        project: fields.project ?? "",
        source: { repoURL: fields.repo ?? "https://git.example.com/a.git" },
        destination: { name: fields.cluster ?? "", namespace: "web" },
      },
      status: { sync: { status: fields.sync ?? "Synced" }, health: { status: fields.health ?? "Healthy" } },
    } as unknown as Application;
    this.add(name, after);
  }

  add(name: string, after: Application): void {
    const before = this.objects.get(name);
    this.objects.set(name, after);
    for (const listener of this.listeners) listener({ before, after });
  }

  delete(name: string): void {
    const before = this.objects.get(name);
    this.objects.delete(name);
    for (const listener of this.listeners) listener({ before, after: undefined });
  }

  answer(
    parameters: QueryParameters,
    request: ProtocolQuery = {},
    visible: (app: Application) => boolean = () => true,
  ) {
    return this.listing.list(
      filterOf(request, parameters, (url) => url.replace(/\.git$/, "")),
      pageOf(parameters),
      visible,
    );
  }

  async list(parameters: QueryParameters, request: ProtocolQuery = {}, visible?: (app: Application) => boolean) {
    const { metadata, items } = JSON.parse(await textOf(this.answer(parameters, request, visible))) as {
      metadata: Record<string, unknown>;
      items: Application[];
    };
    return { metadata, names: items.map((app) => app.metadata.name).join(" ") };
  }
}

function world(keptBytes?: number): World {
  const made = new World(keptBytes);
  made.set("web", { project: "shop", cluster: "eu", sync: "OutOfSync", health: "Degraded", team: "b" });
  made.set("api", { project: "shop", health: "Progressing" });
  made.set("mail", { project: "ops", cluster: "eu", repo: "https://me:hunter2@git.example.com/ops" });
  made.set("cart", { sync: "OutOfSync" });
  return made;
}

describe("a list", () => {
  it.each<[string, QueryParameters, ProtocolQuery, string]>([
    ["everything, by name", {}, {}, "api cart mail web"],
    ["by projects", {}, { projects: ["shop"] }, "api web"],
    ["the project of those without one", {}, { project: ["default"] }, "cart"],
    ["by a selector", {}, { selector: "team=b" }, "web"],
    ["by repository, however its URL is written", {}, { repo: "https://git.example.com/a" }, "api cart web"],
    ["by cluster", { cluster: "eu" }, {}, "mail web"],
    ["by the cluster it runs in", { cluster: "https://kubernetes.default.svc" }, {}, "api cart"],
    ["any of several values", { health: "Degraded,Progressing" }, {}, "api web"],
    ["all of several filters", { sync: "OutOfSync", cluster: "eu" }, {}, "web"],
    ["by any of several labels", { label: ["team=b", "team=none"] }, {}, "web"],
    ["by words", { search: "SHOP eu" }, {}, "web"],
    ["by words of an address", { search: "git.example.com/ops" }, {}, "mail"],
    ["by nobody's password", { search: "hunter2" }, {}, ""],
    ["by words of which one is nowhere", { search: "shop nowhere" }, {}, ""],
    ["by name downwards", { sortBy: "-name" }, {}, "web mail cart api"],
    ["problems first", { sortBy: "health" }, {}, "web api cart mail"],
    ["problems last, equal ones still by name", { sortBy: "-sync" }, {}, "api mail cart web"],
    ["a page", { limit: "2" }, {}, "api cart"],
    ["a page from an offset", { limit: "2", offset: "3" }, {}, "web"],
    ["behind the end", { limit: "2", offset: "9" }, {}, ""],
  ])("%s", async (_name, parameters, request, names) => {
    expect((await world().list(parameters, request)).names).toBe(names);
  });

  it("has what its caller may see, counted and paged without the rest", async () => {
    const visible = (app: Application): boolean => app.spec.project === "shop";
    const { metadata, names } = await world().list({ limit: "1", counts: "project,sync" }, {}, visible);
    expect(names).toBe("api");
    expect(metadata).toMatchObject({
      total: 2,
      remainingItemCount: 1,
      counts: { project: { shop: 2 }, sync: { Synced: 1, OutOfSync: 1 } },
    });
  });

  it("counts a facet's values as if nothing of it were chosen", async () => {
    const { metadata } = await world().list({ sync: "OutOfSync", cluster: "eu", counts: "sync,cluster,health" });
    expect(metadata).toMatchObject({
      total: 1,
      counts: { sync: { OutOfSync: 1, Synced: 1 }, cluster: { eu: 1, "in-cluster": 1 }, health: { Degraded: 1 } },
    });
  });

  it("counts of each facet as many values as are wanted, the most frequent, and what is chosen", async () => {
    const made = world();
    const { metadata } = await made.list({ counts: "project,health", countsLimit: "1" }, { projects: ["ops"] });
    expect(metadata["counts"]).toEqual({ project: { shop: 2, ops: 1 }, health: { Healthy: 1 } });
    expect((await made.list({ counts: "cluster", countsLimit: "5" })).metadata["counts"]).toEqual({
      cluster: { eu: 2, "in-cluster": 2 },
    });
  });

  it("goes on behind the last row, whatever came or went before it", async () => {
    const made = world();
    const first = await made.list({ limit: "2" });
    made.set("aaa", {});
    expect((await made.list({ limit: "2", continue: first.metadata["continue"] as string })).names).toBe("mail web");
    made.delete("cart");
    expect((await made.list({ limit: "9", continue: first.metadata["continue"] as string })).names).toBe("mail web");
  });

  it("follows changes in every order", async () => {
    const made = world();
    await made.list({ sortBy: "health" });
    made.set("mail", { health: "Degraded" });
    made.delete("web");
    made.set("zoo", { health: "Missing" });
    expect((await made.list({ sortBy: "health" })).names).toBe("mail zoo api cart");
  });

  it("has every order that sorting would give, whatever came, went and changed", async () => {
    const made = world();
    const statuses = ["Healthy", "Degraded", "Missing", "Progressing"];
    const orders = sortKeys.flatMap((key) => [key, `-${key}`]);
    for (let step = 0; step < 200; step++) {
      const name = `app-${(step * 7) % 31}`;
      if (step % 5 === 4) made.delete(name);
      else made.set(name, { project: `p${step % 4}`, cluster: `c${step % 3}`, health: statuses[(step * 3) % 4]! });
      const sortBy = orders[step % orders.length]!;
      const fresh = new World();
      for (const [key, app] of made.objects) fresh.add(key, app);
      expect([sortBy, (await made.list({ sortBy })).names]).toEqual([sortBy, (await fresh.list({ sortBy })).names]);
    }
  });

  it("asked for again knows what has changed, also where another took a place that became free", async () => {
    const made = world();
    expect((await made.list({ health: "Degraded" })).names).toBe("web");
    made.set("mail", { health: "Degraded" });
    made.delete("web");
    made.set("new", { health: "Healthy" });
    expect((await made.list({ health: "Degraded" })).names).toBe("mail");
    made.set("other", { health: "Degraded" });
    expect((await made.list({ health: "Degraded" })).names).toBe("mail other");
  });

  it("to those who ask for nothing of ours it is Argo CD's", async () => {
    expect((await world().list({})).metadata).toEqual({ resourceVersion: "100" });
  });

  it.each<[QueryParameters, string]>([
    [{ sortBy: "colour" }, "sortBy"],
    [{ limit: "-1" }, "limit"],
    [{ counts: "colour" }, "counts"],
    [{ countsLimit: "some" }, "countsLimit"],
    [{ continue: "%" }, "continue"],
  ])("of %o is refused with the field", (parameters, field) => {
    expect(() => world().answer(parameters)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    expect(() => world().answer(parameters)).toThrow(field);
  });
});

describe("what is written", () => {
  it("is kept until the application changes, or the health of its objects", async () => {
    const made = world();
    made.tables.set("web", { version: 1 });
    await made.list({});
    await made.list({});
    expect(made.presentedTimes).toBe(4);
    made.set("api", {});
    made.tables.get("web")!.version++;
    await made.list({});
    expect(made.presentedTimes).toBe(6);
  });

  it("is kept within a bound, of which the oldest make room for what comes", async () => {
    const made = world(1000);
    for (let at = 0; at < 10; at++) made.set(`app-${at}`, {});
    await made.list({ limit: "1", search: "app-1" });
    await made.list({ limit: "1", search: "app-1" });
    expect(made.presentedTimes).toBe(1);
    const { names } = await made.list({});
    expect(names.split(" ")).toHaveLength(14);
    expect(made.presentedTimes).toBe(15);
    await made.list({ limit: "1", sortBy: "-name" });
    expect(made.presentedTimes).toBe(15);
    await made.list({ limit: "1", search: "app-1" });
    expect(made.presentedTimes).toBe(16);
  });

  it("comes in pieces where it is long, and at once where it is short", async () => {
    const made = world();
    expect(await made.answer({}).body("")).toBeInstanceOf(Buffer);
    for (let at = 0; at < 600; at++) made.set(`größe-${at}`, {});
    expect(await made.answer({}).body("")).toBeInstanceOf(Readable);
    expect((await made.list({ search: "größe" })).names.split(" ")).toHaveLength(600);
  });

  it.each([
    "items.metadata.name,metadata.resourceVersion",
    "-items.spec,items.status",
    "metadata",
    "items.metadata.name",
  ])("fields=%s leave the same of it as of any answer", async (fields) => {
    const { fieldsOf } = await import("./fields.ts");
    const answer = world().answer({});
    expect(JSON.parse(await textOf(answer, fields))).toEqual(fieldsOf(fields)!(answer.object()));
  });

  it("has the bytes that the message has", async () => {
    const answer = world().answer({});
    const ready = toBinary(ApplicationListSchema, (await answer.message(ApplicationListSchema)) as never);
    expect(ready).toEqual(toBinary(ApplicationListSchema, fromJson(ApplicationListSchema, answer.object()) as never));
    expect(toJson(ApplicationListSchema, fromBinary(ApplicationListSchema, ready))).toMatchObject({
      items: [{ metadata: { name: "api" } }, { metadata: { name: "cart" } }, {}, {}],
    });
  });
});
