// Applications, from creation to deletion.
import { expect } from "vitest";
import * as app from "./app-verbs.ts";
import { story, type Story, type Told } from "./story.ts";

const wish = (told: Told, name: string, more: Partial<app.AppWish> = {}): app.AppWish => ({
  name,
  project: "default",
  repoURL: told.shared.repoURL,
  path: "web",
  namespace: name,
  ...more,
});

const web = (name: string) => ({
  name,
  namespace: name,
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  resourceName: "web",
});

export const appStories: readonly Story[] = [
  story("an application's life", async (told) => {
    const name = told.name("life");
    const labels = { story: name };
    await told.do(app.create, wish(told, name, { labels }));
    await told.do(app.create, wish(told, name, { labels }));
    await told.refused(app.create, wish(told, name, { labels, recurse: true }));
    await told.do(app.create, wish(told, name, { labels, recurse: true, upsert: true }));
    expect(await told.do(app.list, { selector: `story=${name}` })).toEqual([name]);
    expect(await told.do(app.list, { selector: `story=${name}`, project: "nowhere" })).toEqual([]);
    await told.unseen(app.show, { name, refresh: "normal" });
    const { status: before } = await told.do(app.show, { name });
    expect([before?.sync?.status, before?.health?.status]).toEqual(["OutOfSync", "Missing"]);
    expect(await told.do(app.diff, { name })).toEqual([
      `/ConfigMap ${name}/settings`,
      `/Service ${name}/web`,
      `apps/StatefulSet ${name}/web`,
    ]);

    await told.do(app.sync, { name, dryRun: true });
    expect(await told.do(app.history, { name })).toEqual([]);
    await told.do(app.sync, { name });
    await told.do(app.wait, { name });

    expect(await told.do(app.diff, { name })).toEqual([]);
    const { status: after } = await told.do(app.show, { name });
    expect([after?.sync?.status, after?.health?.status]).toEqual(["Synced", "Healthy"]);
    await told.do(app.manifests, { name });
    await told.do(app.remove, { name });
    await told.refused(app.show, { name });
  }),

  story("another path, one object, pruning, history, rollback", async (told) => {
    const name = told.name("paths");
    await told.do(app.create, wish(told, name));
    await told.do(app.sync, { name });
    await told.do(app.wait, { name });
    await told.do(app.setPath, { name, path: "small" });
    await told.unseen(app.show, { name, refresh: "normal" });
    expect(await told.do(app.diff, { name })).toContain(`/ConfigMap ${name}/other`);
    await told.do(app.sync, { name, resource: ":ConfigMap:other" });
    expect(await told.do(app.diff, { name })).not.toContain(`/ConfigMap ${name}/other`);
    await told.do(app.sync, { name, prune: true });
    await told.until(app.resources, { name }, (rows) => expect(rows).toEqual([`ConfigMap ${name} other No`]));
    const ids = await told.do(app.history, { name });
    await told.do(app.rollback, { name, id: ids[0]! });
    await told.until(app.diff, { name }, (found) => expect(found).not.toEqual([]));
    const back = await told.unseen(app.show, { name });
    expect(back.status?.operationState?.operation.sync?.source?.path).toBe("web");
    await told.refused(app.rollback, { name, id: 4711 }, /does not have deployment (with )?id '?4711/);
    await told.do(app.remove, { name });
  }),

  story("live objects: logs, actions, patches", async (told) => {
    const name = told.name("live");
    await told.do(app.create, wish(told, name));
    await told.do(app.sync, { name });
    await told.do(app.wait, { name });
    const { version: _version, ...object } = web(name);
    const lines = await told.do(app.logs, { ...object, tail: 1 });
    expect(lines).toHaveLength(1);
    expect(await told.do(app.logs, { ...object, filter: "no line has this" })).toEqual([]);
    expect(await told.do(app.actions, web(name))).toContain("restart false");
    await told.do(app.act, { ...web(name), action: "restart" });
    await told.refused(app.act, { ...web(name), action: "explode" }, /no .*action "?explode/i);
    const live = await told.do(app.manifests, { name, live: true });
    expect(JSON.stringify(live)).toContain("restartedAt");
    await told.do(app.patch, { name, patch: { metadata: { labels: { patched: "yes" } } } });
    await told.until(app.show, { name }, ({ metadata, status }) => {
      expect(metadata.labels).toEqual({ patched: "yes" });
      // The application's own state follows its objects' within a second.
      expect([status?.health?.status, status?.resources?.at(-1)?.health?.status]).toEqual(["Healthy", "Healthy"]);
    });
    await told.do(app.remove, { name });
  }),

  story("live objects changed and deleted by hand", async (told) => {
    const name = told.name("hands");
    const settings = { name, namespace: name, group: "", version: "v1", kind: "ConfigMap", resourceName: "settings" };
    const differs = [`/ConfigMap ${name}/settings`];
    await told.do(app.create, wish(told, name));
    await told.do(app.sync, { name });
    await told.do(app.wait, { name });

    await told.do(app.patchObject, { ...settings, patch: { data: { key: "by hand" } } });
    await told.until(app.diff, { name }, (found) => expect(found).toEqual(differs));
    await told.do(app.patchObject, { ...settings, patch: { data: { key: "value" } } });
    await told.until(app.diff, { name }, (found) => expect(found).toEqual([]));
    await told.refused(
      app.patchObject,
      { ...settings, resourceName: "nothing", patch: {} },
      /nothing|no matching resource/,
    );
    await told.do(app.deleteObject, settings);
    await told.until(app.diff, { name }, (found) => expect(found).toEqual(differs));
    await told.refused(app.deleteObject, { ...settings, resourceName: "nothing" }, /nothing|no matching resource/);
    await told.do(app.sync, { name });
    await told.until(app.diff, { name }, (found) => expect(found).toEqual([]));
    await told.do(app.remove, { name });
  }),

  story("a sync that hangs is terminated", async (told) => {
    const name = told.name("hangs");
    await told.do(app.create, wish(told, name, { path: "hangs" }));
    await told.do(app.startSync, { name });
    await told.refused(app.startSync, { name });
    await told.do(app.terminate, { name });
    await told.until(app.history, { name }, async () => {
      const { status } = await told.unseen(app.show, { name });
      expect(status?.operationState).toMatchObject({ phase: "Failed", message: "Operation terminated" });
    });
    await told.do(app.remove, { name });
  }),

  story("what is not there is answered alike", async (told) => {
    const name = told.name("nowhere");
    await told.refused(app.show, { name });
    await told.refused(app.sync, { name });
    await told.refused(app.remove, { name });
    await told.refused(app.create, wish(told, told.name("Bad_Name")));
    await told.refused(app.create, wish(told, told.name("no-project"), { project: "nowhere" }));
    await told.refused(app.create, wish(told, told.name("no-path"), { path: "nowhere" }));
  }),
];
