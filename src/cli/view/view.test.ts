// Scripts parse these texts: they are what argocd prints for the same application.
import { describe, expect, test } from "vitest";
import type { Application } from "#model/application.ts";
import type { Paint } from "../context.ts";
import { applicationTable, historyTable, operationText, resourcesTable, summary } from "./application.ts";
import { goTime } from "./print.ts";
import { blockLines, cut, elapsedText } from "./progress.ts";
import { resourceStates } from "./application.ts";
import { table } from "./table.ts";
import { treeText } from "./tree.ts";
import type { SyncPlanAnswer, WaitingFor } from "#protocol/rest.ts";
import { planSummary, planTable } from "./plan.ts";

const same = (text: string): string => text;
const plain: Paint = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same, blue: same };
const sha = "4b8b962a99970a2f4a400ba850d93de4ff65baa7";

const app: Application = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "web", namespace: "argocd" },
  spec: {
    project: "default",
    source: { repoURL: "https://git/x.git", path: "web", targetRevision: "main" },
    destination: { server: "https://kubernetes.default.svc", namespace: "prod" },
    syncPolicy: { automated: { prune: true } },
  },
  status: {
    sync: { status: "Synced", revision: sha },
    health: { status: "Healthy" },
    conditions: [
      { type: "SyncError", message: "a" },
      { type: "SyncError", message: "b" },
    ],
    resources: [
      {
        kind: "Service",
        version: "v1",
        namespace: "prod",
        name: "web",
        status: "Synced",
        health: { status: "Healthy" },
      },
      {
        group: "apps",
        kind: "Deployment",
        version: "v1",
        namespace: "prod",
        name: "web",
        status: "OutOfSync",
        health: { status: "Progressing" },
      },
    ],
    operationState: {
      operation: { sync: {} },
      phase: "Succeeded",
      message: "done",
      startedAt: "2026-01-02T03:04:05Z",
      finishedAt: "2026-01-02T03:05:06Z",
      syncResult: {
        revision: sha,
        resources: [
          {
            group: "batch",
            version: "v1",
            kind: "Job",
            namespace: "prod",
            name: "migrate",
            status: "Synced",
            hookType: "PreSync",
            hookPhase: "Succeeded",
            message: "ran",
          },
          {
            group: "",
            version: "v1",
            kind: "Service",
            namespace: "prod",
            name: "web",
            status: "Synced",
            message: "service/web created",
          },
        ],
      },
    },
    history: [
      {
        id: 0,
        revision: sha,
        deployedAt: "2026-01-02T03:05:06Z",
        source: { repoURL: "https://git/x.git", targetRevision: "main" },
      },
    ],
  },
};

describe("as argocd prints it", () => {
  test("app list", () => {
    expect(applicationTable([app])).toBe(
      "NAME        CLUSTER                         NAMESPACE  PROJECT  STATUS  HEALTH   SYNCPOLICY  CONDITIONS    REPO               PATH  TARGET\n" +
        "argocd/web  https://kubernetes.default.svc  prod       default  Synced  Healthy  Auto-Prune  SyncError(2)  https://git/x.git  web   main\n",
    );
  });

  test("the summary of app get", () => {
    expect(summary(app, "https://cd")).toBe(`Name:               argocd/web
Project:            default
Server:             https://kubernetes.default.svc
Namespace:          prod
URL:                https://cd/applications/web
Source:
- Repo:             https://git/x.git
  Target:           main
  Path:             web
SyncWindow:         Sync Allowed
Sync Policy:        Automated (Prune)
Sync Status:        Synced to main (4b8b962)
Health Status:      Healthy
`);
  });

  test("resources: those of the last operation first", () => {
    expect(resourcesTable(app)).toBe(
      "GROUP  KIND        NAMESPACE  NAME     STATUS     HEALTH       HOOK     MESSAGE\n" +
        "batch  Job         prod       migrate  Succeeded  Synced       PreSync  ran\n" +
        "       Service     prod       web      Synced     Healthy               service/web created\n" +
        "apps   Deployment  prod       web      OutOfSync  Progressing           \n",
    );
  });

  test("the operation", () => {
    const text = operationText(app.status!.operationState!, 0);
    expect(text).toContain(`Sync Revision:      ${sha}\nPhase:              Succeeded\n`);
    expect(text).toContain("Duration:           1m1s\nMessage:            done\n");
  });

  test("history, by source", () => {
    const lines = historyTable(app.status!.history!).split("\n");
    expect(lines[0]).toBe("SOURCE  https://git/x.git");
    expect(lines[1]).toMatch(/^ID {6}DATE +REVISION$/);
    expect(lines[2]).toMatch(/^0 {7}2026-.* {2}main \(4b8b962\)$/);
  });

  test.each([
    [0, /^2026-01-02 03:04:05 \+0000 UTC$/],
    [330, /^2026-01-02 08:34:05 \+0530 /],
    [-480, /^2026-01-01 19:04:05 -0800 /],
  ])("a time %i minutes east of UTC", (offset, expected) => {
    const text = goTime("2026-01-02T03:04:05Z", offset);
    expect(text).toMatch(expected);
  });
});

describe("tables", () => {
  test("a column is as wide as its neighbours in lines beside it, not as all lines", () => {
    expect(table([["a", "b"], ["long name", "c"], ["alone"], ["x", "y"]])).toBe(
      "a          b\nlong name  c\nalone\nx  y\n",
    );
  });
  test("colours take no room", () => {
    expect(
      table([
        ["\u001b[31mab\u001b[39m", "x"],
        ["abcd", "y"],
      ]),
    ).toBe("\u001b[31mab\u001b[39m    x\nabcd  y\n");
  });
});

test("the tree draws what belongs to what", () => {
  const nodes = [
    {
      version: "v1",
      kind: "Deployment",
      name: "web",
      namespace: "prod",
      uid: "1",
      health: { status: "Progressing" as const },
    },
    {
      version: "v1",
      kind: "ReplicaSet",
      name: "web-1",
      namespace: "prod",
      uid: "2",
      parentRefs: [{ version: "v1", kind: "Deployment", name: "web", uid: "1" }],
      createdAt: "2026-01-02T03:04:05Z",
    },
    {
      version: "v1",
      kind: "Pod",
      name: "web-1-a",
      namespace: "prod",
      uid: "3",
      parentRefs: [{ version: "v1", kind: "ReplicaSet", name: "web-1", uid: "2" }],
    },
    {
      version: "v1",
      kind: "Pod",
      name: "web-1-b",
      namespace: "prod",
      uid: "4",
      parentRefs: [{ version: "v1", kind: "ReplicaSet", name: "web-1", uid: "2" }],
    },
  ];
  const text = treeText({ nodes }, resourceStates(app));
  expect(text.split("\n").map((line) => line.trimEnd())).toEqual([
    "KIND/NAME           STATUS     HEALTH       MESSAGE",
    "Deployment/web      OutOfSync  Progressing",
    "└─ReplicaSet/web-1",
    "  ├─Pod/web-1-a",
    "  └─Pod/web-1-b",
    "",
  ]);
  expect(treeText({ nodes }, [], Date.parse("2026-01-02T05:04:05Z"))).toContain("2h");
});

describe("progress", () => {
  const frame = { app, states: resourceStates(app), waiting: [], elapsedMs: 61_500, tick: 0, columns: 60, rows: 24 };

  test("tells how far it is, and each resource, in lines that fit the terminal", () => {
    const lines = blockLines(frame, plain);
    expect(lines[0]).toBe("⠋ argocd/web  Synced, Healthy  2/3  1 min 01 s");
    expect(lines.slice(1).map((line) => line.trim().split(" ").slice(0, 2).join(" "))).toEqual([
      "✔ Job",
      "✔ Service",
      "⠋ Deployment",
    ]);
    for (const line of lines) expect(line.length).toBeLessThan(60);
  });

  test("shows first what is not done where there is little room", () => {
    const lines = blockLines({ ...frame, rows: 5 }, plain);
    expect(lines[1]).toContain("Deployment");
    expect(lines.at(-1)).toBe("  … and 2 more");
  });

  test("says what a running operation waits for", () => {
    const { finishedAt: _ended, ...state } = app.status!.operationState!;
    const running = {
      ...app,
      status: { ...app.status, operationState: { ...state, phase: "Running" as const, message: "waiting for Job" } },
    };
    expect(blockLines({ ...frame, app: running, columns: 90 }, plain)[0]).toContain(
      "Syncing  2/3  1 min 01 s · waiting for Job",
    );
  });

  test("names what is waited for with its reason, a few of many", () => {
    const wait = (name: string): WaitingFor => ({ kind: "Job", name, for: "hook", reason: "1 pod running for 40 s" });
    const waiting = ["a", "b", "c", "d"].map(wait);
    expect(blockLines({ ...frame, waiting }, plain).slice(1, 5)).toEqual([
      "  waits for Job a: 1 pod running for 40 s",
      "  waits for Job b: 1 pod running for 40 s",
      "  waits for Job c: 1 pod running for 40 s",
      "  … and for 1 more",
    ]);
  });

  test("cuts a line but not its colours", () => {
    expect(cut("\u001b[31mabcdefgh\u001b[39m", 6)).toBe("\u001b[31mabcd\u001b[39m…");
    expect(cut("abc", 6)).toBe("abc");
  });

  test.each([
    [0, "0 s"],
    [59_900, "59 s"],
    [3_601_000, "60 min 01 s"],
  ])("%i ms are %s", (elapsedMs, expected) => expect(elapsedText(elapsedMs)).toBe(expected));
});

test("what strangers write is one line and moves no cursor", () => {
  const message = "first\nsecond \u001b[2J\u0007red";
  const hostile = { ...app, status: { ...app.status, health: { status: "Degraded" as const, message } } };
  expect(summary(hostile, "")).toContain("Health Status:      Degraded (first second [2Jred)\n");
});

describe("plans", () => {
  const step = { version: "v1", name: "x" };
  const plan: SyncPlanAnswer = {
    revisions: ["1"],
    running: false,
    waitingFor: [],
    phases: [
      {
        phase: "PreSync",
        waves: [
          {
            wave: -1,
            steps: [
              { ...step, kind: "Job", action: "hook", deletePolicies: ["HookSucceeded"], result: { phase: "Running" } },
            ],
          },
        ],
      },
      {
        phase: "Sync",
        waves: [
          { wave: 0, steps: [{ ...step, kind: "ConfigMap", namespace: "prod", action: "create" }] },
          {
            wave: 2,
            steps: [
              { ...step, group: "apps", kind: "Deployment", action: "configure", fields: ["/spec/replicas"] },
              { ...step, kind: "Secret", action: "keep", note: "ignored (requires pruning)" },
            ],
          },
        ],
      },
    ],
  };

  test("are a line for each step, in order", () => {
    expect(
      planTable(plan, false)
        .split("\n")
        .map((line) => line.split(/ {2,}/).join("|")),
    ).toEqual([
      "PHASE|WAVE|ACTION|GROUP|KIND|NAMESPACE|NAME|RESULT",
      "PreSync|-1|hook|Job|x|Running",
      "Sync|0|create|ConfigMap|prod|x|",
      "Sync|2|configure|apps|Deployment|x|",
      "Sync|2|keep|Secret|x|ignored (requires pruning)",
      "",
    ]);
    expect(planTable(plan, true)).toMatch(/HookSucceeded[\s\S]*\/spec\/replicas/);
  });

  test("are summed up", () => {
    expect(planSummary(plan)).toBe(
      "1 to run as hook, 1 to create, 1 to configure, 1 to keep that are no longer wanted",
    );
    expect(planSummary({ ...plan, phases: [] })).toBe("");
  });
});
