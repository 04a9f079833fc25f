// Automated sync, retries, history and rollback.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type {
  Application,
  OperationPhase,
  OperationState,
  ResourceStatus,
  RetryStrategy,
  RevisionHistory,
  SyncOperation,
  SyncStatusCode,
} from "#model/application.ts";
import { autoSync } from "./autosync.ts";
import { appendHistory, entersHistory, rollbackOperation } from "./history.ts";
import { nextRetry, retriedMessage, retryingMessage, timedOut } from "./retry.ts";

interface Case {
  readonly name: string;
  readonly automated?: NonNullable<Application["spec"]["syncPolicy"]>["automated"];
  readonly syncOptions?: readonly string[];
  readonly status?: SyncStatusCode;
  readonly operation?: boolean;
  readonly deleting?: boolean;
  readonly window?: { allowed: boolean; changesAt?: number };
  readonly resources?: readonly string[];
  readonly sourcesUnchanged?: boolean;
  readonly last?: {
    phase: OperationPhase;
    revision: string;
    message?: string;
    heals?: number;
    path?: string;
    target?: string;
  };
  readonly now?: number;
  readonly expect: { skip?: string; retryAt?: number; condition?: string; start?: SyncOperation };
}

const source = { repoURL: "https://git.example/demo", path: "web", targetRevision: "main" };

function stateOf(last: NonNullable<Case["last"]>): OperationState {
  return {
    operation: { sync: { revision: last.revision, ...(last.heals ? { autoHealAttemptsCount: last.heals } : {}) } },
    phase: last.phase,
    message: last.message ?? "",
    startedAt: "1970-01-01T00:00:00Z",
    finishedAt: "1970-01-01T00:00:00Z",
    syncResult: {
      revision: last.revision,
      source: { ...source, path: last.path ?? source.path, targetRevision: last.target ?? source.targetRevision },
    },
  };
}

function applicationOf(one: Case): Application {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "web", ...(one.deleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
    spec: {
      project: "default",
      source,
      destination: { namespace: "prod" },
      syncPolicy: {
        ...(one.automated ? { automated: one.automated } : {}),
        ...(one.syncOptions ? { syncOptions: one.syncOptions } : {}),
      },
    },
    ...(one.operation ? { operation: { sync: {} } } : {}),
    status: one.last ? { operationState: stateOf(one.last) } : {},
  };
}

const cases = parse(readFileSync(new URL("cases/autosync.yaml", import.meta.url), "utf8")) as Case[];

describe("automated sync", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const decision = autoSync({
      application: applicationOf(one),
      status: one.status ?? "OutOfSync",
      revision: "new",
      resources: (one.resources ?? []).map((line): ResourceStatus => {
        const [id = "", status, prune] = line.split(" ");
        const [kind = "", name = ""] = id.split("/");
        return { kind, name, namespace: "prod", status: status as SyncStatusCode, requiresPruning: prune === "prune" };
      }),
      now: (one.now ?? 0) * 1000,
      ...(one.window ? { window: one.window } : {}),
      ...(one.sourcesUnchanged ? { sourcesUnchanged: true } : {}),
    });
    const shown = "start" in decision ? { start: decision.start.sync } : decision;
    expect(shown).toEqual(one.expect);
  });

  test("the operation says that it is automated and how it is retried", () => {
    const one = cases.find((candidate) => candidate.name === "a first sync") as Case;
    const resources: ResourceStatus[] = [{ kind: "ConfigMap", name: "a", status: "OutOfSync" }];
    const input = { status: "OutOfSync", revision: "new", resources, now: 0 } as const;
    expect(autoSync({ ...input, application: applicationOf(one) })).toMatchObject({
      start: { initiatedBy: { automated: true }, retry: { limit: 5 } },
    });
    const app = applicationOf(one);
    const own = { ...app, spec: { ...app.spec, syncPolicy: { ...app.spec.syncPolicy, retry: { limit: 1 } } } };
    expect(autoSync({ ...input, application: own })).toMatchObject({ start: { retry: { limit: 1 } } });
  });

  test("several sources go by all their revisions", () => {
    const app = applicationOf({ name: "", automated: {}, expect: {} });
    const sources = [source, { ...source, path: "db" }];
    const several = (revisions: string[]): Application => ({
      ...app,
      spec: { ...app.spec, sources },
      status: {
        operationState: {
          ...stateOf({ phase: "Succeeded", revision: "" }),
          syncResult: { revision: "", revisions, sources },
        },
      },
    });
    const resources: ResourceStatus[] = [{ kind: "ConfigMap", name: "a", status: "OutOfSync" }];
    const input = { status: "OutOfSync", revision: "", revisions: ["a", "b"], resources, now: 0 } as const;
    expect(autoSync({ ...input, application: several(["a", "b"]) })).toEqual({
      skip: "most recent sync already to a, b",
    });
    expect(autoSync({ ...input, application: several(["a", "c"]) })).toMatchObject({
      start: { sync: { revisions: ["a", "b"] } },
    });
  });
});

describe("retries", () => {
  const table: [string, RetryStrategy | undefined, number, number | string][] = [
    ["none by default", undefined, 0, "retries are not enabled"],
    ["limit 0", { limit: 0 }, 0, "retries are not enabled"],
    ["first after 5 s", { limit: 5 }, 0, 5_000],
    ["second after 10 s", { limit: 5 }, 1, 10_000],
    ["third after 20 s", { limit: 5 }, 2, 20_000],
    ["at most 3 minutes", { limit: 100 }, 30, 180_000],
    ["the limit ends it", { limit: 2 }, 2, "retried 2 times, the limit"],
    ["a negative limit never ends", { limit: -1 }, 1000, 180_000],
    ["own duration", { limit: 5, backoff: { duration: "1m" } }, 0, 60_000],
    ["own factor", { limit: 5, backoff: { duration: "1s", factor: 3 } }, 2, 9_000],
    ["own most", { limit: 5, backoff: { duration: "1s", factor: 10, maxDuration: "30s" } }, 4, 30_000],
    ["a number is seconds", { limit: 5, backoff: { duration: "7" } }, 0, 7_000],
    ["a bad duration is the default", { limit: 5, backoff: { duration: "soon" } }, 0, 5_000],
    ["a factor below 1 is 1", { limit: 5, backoff: { duration: "1s", factor: 0 } }, 3, 1_000],
  ];
  test.each(table)("%s", (_, strategy, count, expected) => {
    const decision = nextRetry(strategy, count, 1_000_000);
    expect(decision.retry ? decision.at - 1_000_000 : decision.reason).toBe(expected);
  });

  test("messages count the attempts", () => {
    expect(retriedMessage("boom", 0)).toBe("boom");
    expect(retriedMessage("boom", 3)).toBe("boom (retried 3 times).");
    expect(retryingMessage("boom", 0, "12:00")).toBe("boom. Retrying attempt #1 at 12:00.");
  });

  test("an operation can run too long", () => {
    const state = stateOf({ phase: "Running", revision: "a" });
    expect(timedOut(state, 60_000, 60_001)).toBe(true);
    expect(timedOut(state, 60_000, 60_000)).toBe(false);
    expect(timedOut(state, 0, 1e12)).toBe(false);
    expect(timedOut({ ...state, phase: "Failed" }, 60_000, 1e12)).toBe(false);
  });
});

describe("history", () => {
  const state = stateOf({ phase: "Succeeded", revision: "abc" });

  test("a whole, real, successful sync enters it", () => {
    expect(entersHistory(state)).toBe(true);
    expect(entersHistory({ ...state, phase: "Failed" })).toBe(false);
    expect(entersHistory({ ...state, operation: { sync: { dryRun: true } } })).toBe(false);
    expect(entersHistory({ ...state, operation: { sync: { resources: [{ kind: "A", name: "b" }] } } })).toBe(false);
    expect(entersHistory({ ...state, operation: { sync: { manifests: ["{}"] } } })).toBe(false);
    expect(entersHistory({ ...state, operation: {} })).toBe(false);
  });

  test("ids count on and the oldest goes", () => {
    let history: readonly RevisionHistory[] = [];
    for (let index = 0; index < 12; index++) history = appendHistory(history, state, "2026-01-01T00:00:00Z");
    expect(history.map((entry) => entry.id)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(appendHistory(history, state, "x", 2).map((entry) => entry.id)).toEqual([11, 12]);
    expect(appendHistory(history, state, "x", 0)).toEqual([]);
    expect(history[0]).toMatchObject({ revision: "abc", source, deployStartedAt: "1970-01-01T00:00:00Z" });
  });

  const rollback = (automated: boolean | undefined, id?: number): ReturnType<typeof rollbackOperation> => {
    const one: Case = {
      name: "",
      expect: {},
      ...(automated === undefined ? {} : { automated: { enabled: automated } }),
    };
    const entry = { id: 4, revision: "aaa", deployedAt: "x", source };
    const history = [entry, { ...entry, id: 5, revision: "bbb" }, { id: 6, revision: "c", deployedAt: "x" }];
    return rollbackOperation({ ...applicationOf(one), status: { history } }, id, { prune: true, username: "eve" });
  };

  test("rolling back applies the entry's revision and source", () => {
    expect(rollback(undefined, 4)).toEqual({
      ok: true,
      value: {
        sync: {
          revision: "aaa",
          source,
          prune: true,
          syncStrategy: { apply: {} },
          syncOptions: ["IgnoreDependencies=true"],
        },
        initiatedBy: { username: "eve" },
      },
    });
  });

  test.each([
    ["without an id: the one before", undefined, undefined, "bbb"],
    ["with automated sync", true, 4, "rollback cannot be initiated when auto-sync is enabled"],
    ["with automated sync switched off", false, 4, "aaa"],
    ["an id that is not there", undefined, 9, "application web does not have deployment with id 9"],
    ["an entry without a source", undefined, 6, "cannot roll back to deployment 6: its source was not recorded"],
  ])("rolling back %s", (_, automated, id, expected) => {
    const result = rollback(automated, id);
    expect(result.ok ? result.value.sync?.revision : result.error.message).toBe(expected);
  });
});
