// What `admin` commands share with the server: how policies and settings are read, what Secrets look like, where scripts
// run. Loads each part when it is first asked for: most commands need none of it.
import { silentLogger } from "#base/operation.ts";
import type { AdminMeans, AdminOverrides } from "#cli/admin/means.ts";
import type { Context } from "#cli/context.ts";
import type { ApplicationStatus } from "#model/application.ts";
import type { Settings } from "#model/settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export function adminMeans(env: Environment, context: () => Context): AdminMeans {
  return {
    policies: () => import("#server/auth/rbac.ts"),
    secrets: async () => {
      const [{ repositorySecret }, { clusterSecret }] = await Promise.all([
        import("#server/repository/secrets.ts"),
        import("#server/cluster/secrets.ts"),
      ]);
      return { repositorySecret, clusterSecret };
    },
    reconciled: async (keys, tell) => {
      const { startCore } = await import("./core.ts");
      const core = await startCore({ ...context().op, log: silentLogger }, context());
      try {
        const found = new Map<string, ApplicationStatus | undefined>();
        for (const key of keys) {
          tell(key);
          found.set(key, await core.look(key));
        }
        return found;
      } finally {
        await core.stop();
      }
    },
    dashboard: async (listen) => (await import("./dashboard.ts")).startDashboard(context(), listen),
    overrides: (settings) => overridesOf(env, settings),
  };
}

/** The engine is started when a script or an expression is first run. */
async function overridesOf(env: Environment, settings: Settings): Promise<AdminOverrides> {
  const [overrides, { ActionScripts }, { createEnginePool }, { createEvaluators }, binary, ports] = await Promise.all([
    import("#controllers/application/desired/overrides.ts"),
    import("#server/application/resources/action-scripts.ts"),
    import("#render/engine/pool.ts"),
    import("#render/engine/evaluate.ts"),
    import("#render/engine/binary.ts"),
    import("#runtime/system.ts"),
  ]);
  const clock = ports.systemClock;
  const pool = createEnginePool({ locate: () => binary.findEngine(env), clock, processes: 1 });
  const evaluators = createEvaluators(pool);
  const scripts = new ActionScripts({ clock, evaluators, settings: () => settings });
  return {
    problems: () => overrides.overrideProblems(settings),
    health: (op, object) => overrides.healthOfOne(op, evaluators, settings, object),
    withoutDifferences: (op, object) => overrides.withoutDifferences(op, evaluators, settings, object),
    withoutUpdates: (op, object) => overrides.withoutUpdates(op, evaluators, settings, object),
    actions: (op, object) => scripts.list(op, object),
    run: (op, object, request) => scripts.changes(op, object, request),
    close: () => pool.close(),
  };
}
