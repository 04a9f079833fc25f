// When syncs may start: after the applications that one depends on, and inside the project's sync windows.
import { expect } from "vitest";
import type { ApplicationTree, SyncPlanAnswer, SyncWindowsAnswer, WaitingAnswer } from "#protocol/rest.ts";
import { steadily } from "../../support/eventually.ts";
import { configMap, deployment, hookJob, manifests, scenario, type Scenario } from "../../support/scenario.ts";

const dependsOn = "driftless.dev/depends-on";
/** A window that starts each minute and lasts longer is always open. */
const always = "* * * * *";

export const ordering: readonly Scenario[] = [
  scenario(
    "an application is synced after those it depends on are Healthy, also with the next commit",
    async (stage) => {
      const slow = { annotations: { "sandbox.driftless.dev/ready-after": "2s" } };
      const files = (color: string) => ({
        "db/all.yaml": manifests(
          deployment("db", { ...slow, spec: { minReadySeconds: 0 } }),
          configMap("db", { color }),
        ),
        "web/all.yaml": manifests(configMap("web", { color })),
      });
      const repository = await stage.repository(files("blue"));
      const shared = { repository, automated: true } as const;
      const web = await stage.application({
        ...shared,
        suffix: "web",
        path: "web",
        annotations: { [dependsOn]: `${stage.name}-db` },
      });
      await web.until((_app, status) => {
        expect(status.conditions?.map(({ type }) => type)).toEqual(["DependencyWarning", "WaitingForDependencies"]);
      });

      const db = await stage.application({ ...shared, suffix: "db", path: "db" });

      await stage.until(async () => {
        const path = `/api/v1/applications/${web.name}/waiting`;
        const { waitingFor } = await stage.up.api.must<WaitingAnswer>("GET", path);
        expect(waitingFor).toMatchObject([
          { for: "dependency", name: db.name, reason: "it is Synced, but Progressing" },
        ]);
      });
      expect(await stage.kube.get("ConfigMap", "web", stage.namespace)).toBeUndefined();
      await web.synced();
      await db.synced();
      const ended = async (app: typeof web): Promise<number> =>
        Date.parse((await app.get()).status?.operationState?.finishedAt ?? "");
      expect(await ended(web)).toBeGreaterThanOrEqual(await ended(db));

      const commit = await repository.push(files("green"));

      await web.is({ sync: "Synced", revision: commit, phase: "Succeeded" });
      expect((await db.get()).status?.sync).toMatchObject({ status: "Synced", revision: commit });
      expect(Date.parse((await web.get()).status?.operationState?.startedAt ?? "")).toBeGreaterThanOrEqual(
        await ended(db),
      );
    },
  ),

  scenario("a sync by hand waits for what it depends on, unless told not to, and can be ended", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings")) });
    const app = await stage.application({ repository, annotations: { [dependsOn]: "nobody-of-that-name" } });
    await app.is({ sync: "OutOfSync" });
    const plan = await stage.up.api.must<SyncPlanAnswer>("GET", `/api/v1/applications/${app.name}/plan`);
    expect(plan.waitingFor).toMatchObject([{ for: "dependency", reason: "it does not exist" }]);

    await app.sync();

    await app.until((_app, { operationState }) => {
      expect(operationState).toMatchObject({
        phase: "Running",
        message: expect.stringContaining("nobody-of-that-name"),
      });
    });
    await stage.up.api.must("DELETE", `/api/v1/applications/${app.name}/operation`);
    await app.is({ phase: "Failed", sync: "OutOfSync" });
    await app.sync({ syncOptions: { items: ["IgnoreDependencies=true"] } });
    await app.is({ phase: "Succeeded", sync: "Synced" });
  }),

  scenario("a circle of dependencies is refused by its path, until it is broken", async (stage) => {
    const repository = await stage.repository({
      "a/all.yaml": manifests(configMap("a")),
      "b/all.yaml": manifests(configMap("b")),
    });
    const on = (other: string) => ({
      annotations: { [dependsOn]: `${stage.name}-${other}` },
      repository,
      automated: true,
    });
    const a = await stage.application({ ...on("b"), suffix: "a", path: "a" });
    const b = await stage.application({ ...on("a"), suffix: "b", path: "b" });

    const [first, second] = [a, b].map(({ name }) => `${stage.up.namespace}/${name}`);
    await a.condition("DependencyError", [`dependency cycle: ${first} → ${second} → ${first}`]);
    await b.condition("DependencyError", [`dependency cycle: ${second} → ${first} → ${second}`]);
    expect(await stage.kube.get("ConfigMap", "a", stage.namespace)).toBeUndefined();

    await b.edit({ metadata: { annotations: { [dependsOn]: null } } });

    await a.synced();
    await b.synced();
  }),

  scenario("of applications deleted together, those that depend on others go first", async (stage) => {
    const repository = await stage.repository({
      "db/all.yaml": manifests(configMap("db")),
      "web/all.yaml": manifests(configMap("web", {}, { finalizers: ["example.com/guard"] })),
    });
    const shared = { repository, automated: true, cascade: "foreground" } as const;
    const db = await stage.application({ ...shared, suffix: "db", path: "db" });
    const web = await stage.application({
      ...shared,
      suffix: "web",
      path: "web",
      annotations: { [dependsOn]: db.name },
    });
    await web.synced();

    await web.remove();
    await db.remove();

    await db.condition("WaitingForDependencies", [web.name]);
    const { waitingFor } = await stage.up.api.must<WaitingAnswer>("GET", `/api/v1/applications/${db.name}/waiting`);
    expect(waitingFor).toMatchObject([{ for: "dependency", name: web.name }]);
    expect(await stage.kube.get("ConfigMap", "db", stage.namespace)).toBeDefined();
    await stage.kube.edit("ConfigMap", { name: "web", namespace: stage.namespace }, { metadata: { finalizers: [] } });
    await stage.gone("Application", web.name, stage.up.namespace);
    await stage.gone("Application", db.name, stage.up.namespace);
    expect(await stage.kube.get("ConfigMap", "db", stage.namespace)).toBeUndefined();
  }),

  scenario("a fight over a field is told with the other manager, and healed ever more seldom", async (stage) => {
    const files = (data: Readonly<Record<string, string>>) => ({ "all.yaml": manifests(configMap("settings", data)) });
    const repository = await stage.repository(files({ color: "blue", size: "small" }));
    const app = await stage.application({ repository, automated: true });
    await app.synced();
    const at = { name: "settings", namespace: stage.namespace };
    const over = new AbortController();
    const writer = (async () => {
      while (!over.signal.aborted) {
        await stage.kube.edit("ConfigMap", at, { data: { color: "red" } });
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    })();

    try {
      await app.condition("FieldFightWarning", ["ConfigMap", "/data/color is set back by ", "3 times"], {
        withinMs: 60_000,
      });
      const heals = async (): Promise<string | undefined> => (await app.get()).status?.operationState?.startedAt;
      const last = await heals();
      await steadily(async () => expect(await heals()).toBe(last), 5000);
    } finally {
      over.abort();
      await writer;
    }
    await repository.push(files({ size: "small" }));
    await app.synced();
    await app.until((_app, { conditions = [] }) => expect(conditions).toEqual([]));
  }),

  scenario("a window that closes pauses a running sync, or lets it run on where it says so", async (stage) => {
    const repository = await stage.repository({
      "all.yaml": manifests(hookJob("migrate", { hook: "PreSync", runFor: "2s" }), configMap("settings")),
    });
    const project = `${stage.name}-project`;
    const deny = { kind: "deny", schedule: always, duration: "1h", applications: ["*"] };
    await stage.kube.create({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "AppProject",
      metadata: { name: project, namespace: stage.up.namespace },
      spec: { sourceRepos: ["*"], destinations: [{ server: "*", namespace: "*" }] },
    });
    const windows = (list: readonly object[]): Promise<unknown> =>
      stage.kube.edit("AppProject", { name: project, namespace: stage.up.namespace }, { spec: { syncWindows: list } });
    const app = await stage.application({ repository, project });
    await app.is({ sync: "OutOfSync" });
    await app.sync();
    await stage.live("Job", "migrate");

    await windows([deny]);

    await app.until((_app, { operationState }) => {
      expect(operationState).toMatchObject({ phase: "Running", message: "Sync operation blocked by sync window" });
    });
    await stage.live("Job", "migrate", (job) => expect(job).toMatchObject({ status: { succeeded: 1 } }));
    expect(await stage.kube.get("ConfigMap", "settings", stage.namespace)).toBeUndefined();
    const path = `/api/v1/applications/${app.name}`;
    const now = await stage.up.api.must<SyncWindowsAnswer>("GET", `${path}/syncwindows`);
    expect(now).toMatchObject({
      canSync: false,
      state: "Sync Denied",
      activeWindows: [{ kind: "deny", duration: "1h" }],
    });
    const refused = await stage.up.api.call("POST", `${path}/sync`, {});
    expect(refused).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining("blocked by sync window") },
    });

    // An allow window that was open when the sync started and closed a second later: only with overrun it may go on.
    const startedAt = Date.parse((await app.get()).status?.operationState?.startedAt ?? "");
    const began = new Date(Math.floor(startedAt / 60_000) * 60_000);
    const closed = {
      kind: "allow",
      schedule: `${began.getUTCMinutes()} ${began.getUTCHours()} * * *`,
      duration: `${(startedAt - began.getTime()) / 1000 + 1}s`,
      applications: ["*"],
    };
    await windows([closed]);
    await app.until((_app, { operationState }) => expect(operationState?.message).toContain("blocked"));
    await windows([{ ...closed, syncOverrun: true }]);

    await app.is({ sync: "Synced", phase: "Succeeded" });
    await stage.up.api.must("GET", `${path}/syncwindows`);
    await stage.kube.remove("Application", app.name, stage.up.namespace);
    await stage.kube.remove("AppProject", project, stage.up.namespace);
  }),

  scenario("objects that no application manages are told where the project asks", async (stage) => {
    const repository = await stage.repository({ "all.yaml": manifests(configMap("settings"), deployment("web")) });
    const project = `${stage.name}-project`;
    await stage.kube.create({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "AppProject",
      metadata: { name: project, namespace: stage.up.namespace },
      spec: {
        sourceRepos: ["*"],
        destinations: [{ server: "*", namespace: "*" }],
        orphanedResources: { ignore: [{ kind: "ConfigMap", name: "ignored-*" }] },
      },
    });
    const app = await stage.application({ repository, project, automated: true });
    await app.synced();
    const path = `/api/v1/applications/${app.name}/resource-tree`;
    const orphans = async (): Promise<readonly string[]> =>
      ((await stage.up.api.must<ApplicationTree>("GET", path)).orphanedNodes ?? []).map(({ name }) => name).toSorted();
    expect(await orphans()).toEqual([]);
    const loose = (name: string) => ({ ...configMap(name), metadata: { name, namespace: stage.namespace } });

    await stage.kube.create(loose("loose"));
    await stage.kube.create(loose("ignored-one"));

    await app.condition("OrphanedResourceWarning", ["Application has 1 orphaned resources"]);
    expect(await orphans()).toEqual(["loose"]);

    await repository.push({ "more.yaml": manifests(configMap("loose")) });

    await app.synced();
    await app.until((_app, { conditions = [] }) => expect(conditions).toEqual([]));
    expect(await orphans()).toEqual([]);
    await stage.kube.remove("Application", app.name, stage.up.namespace);
    await stage.kube.remove("AppProject", project, stage.up.namespace);
  }),
];
