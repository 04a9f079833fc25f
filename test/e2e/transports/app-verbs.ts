// What is done to applications: by the API, and as it is typed.
import { parseAllDocuments } from "yaml";
import { isObject, sameJson, type JsonObject } from "#base/json.ts";
import type { Application } from "#model/application.ts";
import type { ApplicationTree, ManagedResource } from "#protocol/rest.ts";
import { eventually } from "../../support/eventually.ts";
import { fromJson, toJson } from "#protocol/json.ts";
import { methods, Refused, type Caller } from "../../support/rpc.ts";
import { verb } from "./driver.ts";

interface Named {
  readonly name: string;
}

/** One object of an application. */
interface ObjectOf extends Named {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly resourceName: string;
}

export interface AppWish extends Named {
  readonly project: string;
  readonly repoURL: string;
  readonly path: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly recurse?: boolean;
  readonly upsert?: boolean;
}

const server = "https://kubernetes.default.svc";
const ended: ReadonlySet<string | undefined> = new Set(["Succeeded", "Failed", "Error"]);

/** Without what every one of them is: protobuf has no place for it. */
const untyped = ({ metadata, spec, status, operation }: Application): AppShown => ({
  metadata,
  spec,
  ...(status ? { status } : {}),
  ...(operation ? { operation } : {}),
});
type AppShown = Pick<Application, "metadata" | "spec" | "status" | "operation">;

const get = (api: Caller, name: string, refresh?: string): Promise<Application> =>
  api.call<Application>("ApplicationService.get", { name, ...(refresh ? { refresh } : {}) });

/** Waits for the end of an operation; refused where it failed. */
async function finished(api: Caller, name: string): Promise<void> {
  const state = await eventually(async () => {
    const app = await get(api, name);
    if (app.operation || !ended.has(app.status?.operationState?.phase)) throw new Error(`${name} is still syncing`);
    return app.status!.operationState!;
  });
  if (state.phase !== "Succeeded") throw new Refused("", state.message ?? "");
}

const flags = (name: string, values: Readonly<Record<string, string>> = {}): string[] =>
  Object.entries(values).flatMap(([key, value]) => [`--${name}`, `${key}=${value}`]);

export const create = verb<AppWish, void>(
  "app create",
  async (api, { name, project, repoURL, path, namespace, labels, recurse, upsert }) => {
    const application = {
      metadata: { name, ...(labels ? { labels } : {}) },
      spec: {
        project,
        source: { repoURL, path, targetRevision: "main", ...(recurse ? { directory: { recurse } } : {}) },
        destination: { server, namespace },
        syncPolicy: { syncOptions: ["CreateNamespace=true"] },
      },
    };
    await api.call("ApplicationService.create", { application, upsert: upsert ?? false, validate: true });
  },
  async (cli, { name, project, repoURL, path, namespace, labels, recurse, upsert }) => {
    const source = [
      "--repo",
      repoURL,
      "--path",
      path,
      "--revision",
      "main",
      ...(recurse ? ["--directory-recurse"] : []),
    ];
    const target = ["--dest-server", server, "--dest-namespace", namespace, "--sync-option", "CreateNamespace=true"];
    const more = [...flags("label", labels), ...(upsert ? ["--upsert"] : [])];
    await cli.said(["app", "create", name, "--project", project, ...source, ...target, ...more]);
  },
);

export const show = verb<Named & { readonly refresh?: "normal" | "hard" }, AppShown>(
  "app get",
  async (api, { name, refresh }) => untyped(await get(api, name, refresh)),
  async (cli, { name, refresh }) => {
    const flag = refresh ? [refresh === "hard" ? "--hard-refresh" : "--refresh"] : [];
    return untyped(await cli.json<Application>(["app", "get", name, ...flag]));
  },
);

/** Names, sorted. */
export const list = verb<{ readonly selector?: string; readonly project?: string }, string[]>(
  "app list",
  async (api, { selector, project }) => {
    const request = { ...(selector ? { selector } : {}), ...(project ? { projects: [project] } : {}) };
    const { items = [] } = await api.call<{ items?: Application[] }>("ApplicationService.list", request);
    return items.map(({ metadata }) => metadata.name!).sort();
  },
  async (cli, { selector, project }) => {
    const chosen = [...(selector ? ["-l", selector] : []), ...(project ? ["-p", project] : [])];
    const items = (await cli.json<Application[] | null>(["app", "list", ...chosen])) ?? [];
    return items.map(({ metadata }) => metadata.name!).sort();
  },
);

export const setPath = verb<Named & { readonly path: string }, void>(
  "app set",
  async (api, { name, path }) => {
    const { spec } = await get(api, name);
    const changed = { ...spec, source: { ...spec.source!, path } };
    await api.call("ApplicationService.updateSpec", { name, spec: changed, validate: true });
  },
  async (cli, { name, path }) => void (await cli.said(["app", "set", name, "--path", path])),
);

export interface SyncWish extends Named {
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  /** `GROUP:KIND:NAME`. */
  readonly resource?: string;
}

export const sync = verb<SyncWish, void>(
  "app sync",
  async (api, { name, prune = false, dryRun = false, resource }) => {
    const [group = "", kind = "", object = ""] = resource?.split(":") ?? [];
    const resources = resource === undefined ? {} : { resources: [{ group, kind, name: object }] };
    await api.call("ApplicationService.sync", { name, prune, dryRun, ...resources });
    await finished(api, name);
  },
  async (cli, { name, prune, dryRun, resource }) => {
    const more = [...(prune ? ["--prune"] : []), ...(dryRun ? ["--dry-run"] : [])];
    await cli.said(["app", "sync", name, ...more, ...(resource ? ["--resource", resource] : [])]);
  },
);

/** Starts a sync and does not wait for it. */
export const startSync = verb<Named, void>(
  "app sync --async",
  async (api, { name }) => void (await api.call("ApplicationService.sync", { name })),
  async (cli, { name }) => void (await cli.said(["app", "sync", name, "--async"])),
);

export const terminate = verb<Named, void>(
  "app terminate-op",
  async (api, { name }) => void (await api.call("ApplicationService.terminateOperation", { name })),
  async (cli, { name }) => void (await cli.said(["app", "terminate-op", name])),
);

/** By a watch, as the command lines wait. */
export const wait = verb<Named, void>(
  "app wait",
  async (api, { name }) => {
    const ending = AbortSignal.timeout(60_000);
    for await (const { application } of watched(api, { name }, ending)) {
      const { sync: compared, health } = application.status ?? {};
      if (!application.operation && compared?.status === "Synced" && health?.status === "Healthy") return;
    }
    throw new Error(`the watch of ${name} ended before it was synced and healthy`);
  },
  async (cli, { name }) => void (await cli.said(["app", "wait", name, "--timeout", "60"])),
);

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly application: Application;
}

export function watched(api: Caller, request: object, signal: AbortSignal): AsyncIterable<WatchEvent> {
  return api.stream<WatchEvent>("ApplicationService.watch", request, signal);
}

/** `group/Kind namespace/name` of what differs. */
export const diff = verb<Named, string[]>(
  "app diff",
  async (api, { name }) => {
    const request = { applicationName: name };
    const { items = [] } = await api.call<{ items?: ManagedResource[] }>(
      "ApplicationService.managedResources",
      request,
    );
    const state = (text = "null"): unknown => JSON.parse(text);
    return items
      .filter((item) => !item.hook && !sameJson(state(item.normalizedLiveState), state(item.predictedLiveState)))
      .map((item) => `${item.group ?? ""}/${item.kind} ${item.namespace ?? ""}/${item.name}`)
      .sort();
  },
  async (cli, { name }) => {
    const { code, out, err } = await cli.run(["app", "diff", name]);
    if (code !== 0 && code !== 1) throw new Refused("", err);
    const found = [...out.matchAll(/^===== (\S+ \S+) ======$/gm)].map(([, title]) => title!).sort();
    if ((code === 1) !== found.length > 0) throw new Error(`app diff ended with ${code}:\n${out}${err}`);
    return found;
  },
);

export const history = verb<Named, number[]>(
  "app history",
  async (api, { name }) => ((await get(api, name)).status?.history ?? []).map(({ id }) => id),
  async (cli, { name }) => {
    const out = await cli.said(["app", "history", name, "-o", "id"]);
    return out
      .split(/\s+/)
      .filter((word) => /^\d+$/.test(word))
      .map(Number);
  },
);

export const rollback = verb<Named & { readonly id: number }, void>(
  "app rollback",
  async (api, { name, id }) => {
    await api.call("ApplicationService.rollback", { name, id, prune: true });
    await finished(api, name);
  },
  async (cli, { name, id }) => void (await cli.said(["app", "rollback", name, String(id), "--prune"])),
);

/** Returns when it is gone. */
export const remove = verb<Named & { readonly cascade?: boolean }, void>(
  "app delete",
  async (api, { name, cascade = true }) => {
    await api.call("ApplicationService.delete", { name, cascade });
    await eventually(async () => {
      const { items = [] } = await api.call<{ items?: unknown[] }>("ApplicationService.list", { name });
      if (items.length > 0) throw new Error(`${name} is still there`);
    });
  },
  async (cli, { name, cascade = true }) =>
    void (await cli.said(["app", "delete", name, "--yes", "--wait", `--cascade=${cascade}`])),
);

/** The objects as rendered, or as they are live. */
export const manifests = verb<Named & { readonly live?: boolean }, unknown[]>(
  "app manifests",
  async (api, { name, live }) => {
    if (!live) {
      const answer = await api.call<{ manifests?: string[] }>("ApplicationService.getManifests", { name });
      return (answer.manifests ?? []).map((text) => JSON.parse(text) as unknown).sort(byName);
    }
    const request = { applicationName: name };
    const { items = [] } = await api.call<{ items?: ManagedResource[] }>(
      "ApplicationService.managedResources",
      request,
    );
    return items.flatMap(({ liveState }) => stateless(JSON.parse(liveState ?? "null"))).sort(byName);
  },
  async (cli, { name, live }) => {
    const out = await cli.said(["app", "manifests", name, ...(live ? ["--source", "live"] : [])]);
    return parseAllDocuments(out)
      .flatMap((document) => stateless(document.toJS()))
      .sort(byName);
  },
);

/** Without its status, which goes on changing. */
function stateless(object: unknown): JsonObject[] {
  if (!isObject(object)) return [];
  const { status: _status, ...rest } = object;
  return [rest];
}

const byName = (a: unknown, b: unknown): number => (nameOf(a) < nameOf(b) ? -1 : 1);
const nameOf = (object: unknown): string => {
  const { kind, metadata } = object as { kind: string; metadata: { name: string } };
  return `${kind}/${metadata.name}`;
};

/** `group kind namespace name orphaned` of objects that nothing in the tree owns. */
export const resources = verb<Named, string[]>(
  "app resources",
  async (api, { name }) => {
    const tree = await api.call<ApplicationTree>("ApplicationService.resourceTree", { applicationName: name });
    const row = (orphaned: string) => (node: { group?: string; kind: string; namespace?: string; name: string }) =>
      [node.group, node.kind, node.namespace, node.name, orphaned].filter(Boolean).join(" ");
    const managed = (tree.nodes ?? []).filter(({ parentRefs = [] }) => parentRefs.length === 0);
    return [...managed.map(row("No")), ...(tree.orphanedNodes ?? []).map(row("Yes"))].sort();
  },
  async (cli, { name }) => {
    const [, ...rows] = (await cli.said(["app", "resources", name])).trim().split("\n");
    return rows.map((row) => row.trim().split(/\s+/).join(" ")).sort();
  },
);

export const tree = verb<Named, ApplicationTree>("app resources --output tree", (api, { name }) =>
  api.call<ApplicationTree>("ApplicationService.resourceTree", { applicationName: name }),
);

export interface LogWish extends Named {
  readonly namespace: string;
  readonly group: string;
  readonly kind: string;
  readonly resourceName: string;
  readonly tail?: number;
  readonly filter?: string;
}

/** The lines' content. */
export const logs = verb<LogWish, string[]>(
  "app logs",
  async (api, { tail, filter, ...wish }) => {
    const request = { ...wish, ...(tail ? { tailLines: tail } : {}), ...(filter ? { filter } : {}) };
    const lines: string[] = [];
    const signal = AbortSignal.timeout(20_000);
    for await (const line of api.stream<{ content?: string; last?: boolean }>(
      "ApplicationService.podLogs",
      request,
      signal,
    ))
      if (!line.last) lines.push(line.content ?? "");
    return lines;
  },
  async (cli, { name, namespace, group, kind, resourceName, tail, filter }) => {
    const object = ["--group", group, "--kind", kind, "--name", resourceName, "--namespace", namespace];
    const some = [...(tail ? ["--tail", String(tail)] : []), ...(filter ? ["--filter", filter] : [])];
    const out = await cli.said(["app", "logs", name, ...object, ...some]);
    // Ours has the pod's name in front of each line, to tell several apart.
    return out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/^\S+-\d+ /, ""));
  },
);

interface Action {
  readonly name: string;
  readonly disabled?: boolean;
}

/** A row of the command lines; argocd writes its fields with a capital. */
interface ActionRow {
  readonly action?: string;
  readonly Action?: string;
  readonly disabled?: boolean;
  readonly Disabled?: boolean;
}

/** `action disabled`, of one object. */
export const actions = verb<ObjectOf, string[]>(
  "app actions list",
  async (api, given) => {
    const { actions: found = [] } = await api.call<{ actions?: Action[] }>(
      "ApplicationService.listResourceActions",
      given,
    );
    return found.map(({ name, disabled = false }) => `${name} ${disabled}`).sort();
  },
  async (cli, { name, group, kind, resourceName }) => {
    const object = ["--group", group, "--kind", kind, "--resource-name", resourceName];
    const rows = await cli.json<ActionRow[]>(["app", "actions", "list", name, ...object]);
    return rows.map((row) => `${row.action ?? row.Action} ${row.disabled ?? row.Disabled ?? false}`).sort();
  },
);

export const act = verb<ObjectOf & { readonly action: string }, void>(
  "app actions run",
  async (api, given) => void (await api.call("ApplicationService.runResourceActionV2", given)),
  async (cli, { name, action, group, kind, resourceName }) => {
    const object = ["--group", group, "--kind", kind, "--resource-name", resourceName];
    await cli.said(["app", "actions", "run", name, action, ...object]);
  },
);

export const patch = verb<Named & { readonly patch: JsonObject }, void>(
  "app patch",
  async (api, { name, patch: wanted }) =>
    void (await api.call("ApplicationService.patch", { name, patch: JSON.stringify(wanted), patchType: "merge" })),
  async (cli, { name, patch: wanted }) =>
    void (await cli.said(["app", "patch", name, "--type", "merge", "--patch", JSON.stringify(wanted)])),
);

const objectFlags = ({ group, kind, namespace, resourceName }: ObjectOf): string[] => [
  "--group",
  group,
  "--kind",
  kind,
  "--namespace",
  namespace,
  "--resource-name",
  resourceName,
];

export const patchObject = verb<ObjectOf & { readonly patch: JsonObject }, void>(
  "app patch-resource",
  async (api, { patch: wanted, ...object }) => {
    const patchType = "application/merge-patch+json";
    await api.call("ApplicationService.patchResource", { ...object, patch: JSON.stringify(wanted), patchType });
  },
  async (cli, { patch: wanted, ...object }) => {
    const change = ["--patch", JSON.stringify(wanted), "--patch-type", "application/merge-patch+json"];
    await cli.said(["app", "patch-resource", object.name, ...objectFlags(object), ...change]);
  },
);

export const deleteObject = verb<ObjectOf, void>(
  "app delete-resource",
  async (api, object) => void (await api.call("ApplicationService.deleteResource", object)),
  async (cli, object) => void (await cli.said(["app", "delete-resource", object.name, ...objectFlags(object)])),
);

/** Anything that the API alone answers: one method, one request. REST may say more than the message has places for. */
export const ask = verb<{ readonly method: string; readonly request?: object }, unknown>(
  "ask",
  async (api, { method, request }) => {
    const { output } = methods.get(method)!;
    return toJson(output, fromJson(output, await api.call(method, request)));
  },
);
