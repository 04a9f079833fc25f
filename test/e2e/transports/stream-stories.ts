// What goes on: watches, trees and logs as streams, and coming back to one; and what is read by the API alone.
import { expect } from "vitest";
import type { ApplicationTree } from "#protocol/rest.ts";
import type { Caller } from "../../support/rpc.ts";
import * as admin from "./admin-verbs.ts";
import * as app from "./app-verbs.ts";
import { verb } from "./driver.ts";
import { story, type Story, type Told } from "./story.ts";

const withinMs = 30_000;

/** Reads a stream until a message satisfies; returns what `noted` made of each, and that message. */
async function readUntil<T>(
  api: Caller,
  { method, request }: { readonly method: string; readonly request: object },
  { noted, enough }: { noted: (message: T) => string; enough: (message: T, notes: readonly string[]) => boolean },
): Promise<{ readonly notes: readonly string[]; readonly last: T }> {
  const ending = new AbortController();
  const late = setTimeout(() => ending.abort(), withinMs);
  const notes: string[] = [];
  try {
    for await (const message of api.stream<T>(method, request, ending.signal)) {
      const note = noted(message);
      // An application's state changes as often as it likes.
      if (notes.at(-1) !== note) notes.push(note);
      if (enough(message, notes)) return { notes, last: message };
    }
    throw new Error(`${method} was not enough within ${withinMs} ms: ${notes.join(", ")}`);
  } finally {
    clearTimeout(late);
    ending.abort();
  }
}

interface WatchWish {
  readonly selector: string;
  readonly resourceVersion?: string;
  /** The note that ends it. */
  readonly last: string;
}

const watch = verb<WatchWish, { notes: readonly string[]; resourceVersion: string }>(
  "watch",
  async (api, { selector, resourceVersion, last }) => {
    const request = { selector, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    const read = await readUntil<app.WatchEvent>(
      api,
      { method: "ApplicationService.watch", request },
      {
        noted: ({ type, application }) => `${type} ${application.metadata.name}`,
        enough: (_message, notes) => notes.at(-1) === last,
      },
    );
    return { notes: read.notes, resourceVersion: read.last.application.metadata.resourceVersion ?? "" };
  },
);

/** Kinds in the tree once there is a pod. */
const treeWithPod = verb<{ readonly name: string }, string[]>("watch a tree", async (api, { name }) => {
  const kinds = ({ nodes = [] }: ApplicationTree): string[] => [...new Set(nodes.map(({ kind }) => kind))].sort();
  const read = await readUntil<ApplicationTree>(
    api,
    { method: "ApplicationService.watchResourceTree", request: { applicationName: name } },
    { noted: (tree) => kinds(tree).join(" "), enough: (tree) => kinds(tree).includes("Pod") },
  );
  return kinds(read.last);
});

interface LogLine {
  readonly content?: string;
}

const firstLine = verb<Omit<app.LogWish, "tail" | "filter">, string>("follow logs", async (api, wish) => {
  const request = { ...wish, follow: true };
  const read = await readUntil<LogLine>(
    api,
    { method: "ApplicationService.podLogs", request },
    { noted: ({ content = "" }) => content, enough: () => true },
  );
  return read.last.content ?? "";
});

const wish = (told: Told, name: string, story_: string): app.AppWish => ({
  name,
  project: "default",
  repoURL: told.shared.repoURL,
  path: "web",
  namespace: name,
  labels: { story: story_ },
});

/** What is read of an application; each is answered the same by every transport. */
const reads = (name: string, revision: string): readonly (readonly [method: string, request?: object])[] => [
  ["ApplicationService.managedResources", { applicationName: name }],
  ["ApplicationService.getManifests", { name, revision }],
  ["ApplicationService.revisionMetadata", { name, revision }],
  ["ApplicationService.getApplicationSyncWindows", { name }],
  ["ApplicationService.listLinks", { name }],
  ["ApplicationService.serverSideDiff", { appName: name }],
  [
    "ApplicationService.getResource",
    { name, namespace: name, group: "", version: "v1", kind: "ConfigMap", resourceName: "settings" },
  ],
  ["ProjectService.getDetailedProject", { name: "default" }],
  ["ProjectService.getGlobalProjects", { name: "default" }],
  ["ProjectService.getSyncWindowsState", { name: "default" }],
  ["SettingsService.get"],
  ["SettingsService.getPlugins"],
  ["NotificationService.listTriggers"],
  ["NotificationService.listServices"],
  ["NotificationService.listTemplates"],
  ["AccountService.getAccount", { name: "admin" }],
  ["SessionService.getUserInfo"],
];

const apiOnly = { apiOnly: true } as const;

export const streamStories: readonly Story[] = [
  story(
    "a watch, and coming back to it",
    async (told) => {
      const [first, second] = [told.name("watch-one"), told.name("watch-two")];
      const selector = `story=${told.name("watch")}`;
      await told.do(app.create, wish(told, first, told.name("watch")));
      const begun = await told.unseen(watch, { selector, last: `ADDED ${first}` });
      const changing = told.unseen(watch, { selector, last: `MODIFIED ${first}` });
      await told.do(app.patch, { name: first, patch: { metadata: { annotations: { a: "b" } } } });
      const { notes, resourceVersion } = await changing;
      expect([begun.notes, notes]).toEqual([[`ADDED ${first}`], [`ADDED ${first}`, `MODIFIED ${first}`]]);

      // While nobody watches:
      await told.do(app.create, wish(told, second, told.name("watch")));
      await told.do(app.remove, { name: first });

      const back = await told.unseen(watch, { selector, resourceVersion, last: `ADDED ${second}` });
      expect(back.notes.toSorted()).toEqual([`ADDED ${second}`, `DELETED ${first}`]);
      const fresh = await told.unseen(watch, { selector, last: `ADDED ${second}` });
      expect(fresh.notes).toEqual([`ADDED ${second}`]);
      await told.do(app.remove, { name: second });
    },
    apiOnly,
  ),

  story(
    "a tree as it grows, logs as they come",
    async (told) => {
      const name = told.name("grows");
      await told.do(app.create, wish(told, name, name));
      const growing = told.do(treeWithPod, { name });
      await told.unseen(app.sync, { name });
      expect(await growing).toContain("Pod");
      await told.unseen(app.wait, { name });
      const object = { name, namespace: name, group: "apps", kind: "StatefulSet", resourceName: "web" };
      expect(await told.do(firstLine, object)).not.toBe("");
      await told.do(app.remove, { name });
      await told.refused(treeWithPod, { name });
    },
    apiOnly,
  ),

  story(
    "everything that is read",
    async (told) => {
      const name = told.name("reads");
      await told.do(app.create, wish(told, name, name));
      await told.unseen(app.sync, { name });
      await told.unseen(app.wait, { name });
      const { status } = await told.unseen(app.show, { name });
      for (const [method, request] of reads(name, status?.sync?.revision ?? ""))
        await told.until(app.ask, { method, ...(request ? { request } : {}) }, (answer) => {
          // An object's own counters go on for a moment.
          expect(JSON.stringify(answer)).not.toMatch(/Progressing|"updateRevision":""/);
        });
      const source = { repoURL: told.shared.repoURL, path: "web", targetRevision: "main" };
      const details = { source, appName: name, appProject: "default" };
      await told.do(app.ask, { method: "RepositoryService.getAppDetails", request: details });
      const repo = { repo: told.shared.repoURL };
      // It was never added.
      await told.refused(app.ask, { method: "RepositoryService.listRefs", request: repo });
      await told.refused(admin.projectGet, { name: told.name("nowhere") });
      await told.do(app.remove, { name });
    },
    apiOnly,
  ),
];
