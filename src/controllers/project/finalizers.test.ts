import { expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { AppProject, Application } from "#model/application.ts";
import { releaseProjects } from "./finalizers.ts";

const op: Operation = { signal: new AbortController().signal, log: silentLogger };
const held = "resources-finalizer.argocd.argoproj.io";

const project = (deleting: boolean, finalizers: readonly string[] = [held, "another"]): AppProject => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: {
    name: "team",
    namespace: "argocd",
    resourceVersion: "7",
    finalizers,
    ...(deleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
  },
  spec: { sourceNamespaces: ["team-*"] },
});

const application = (name: string, namespace = "argocd", of = "team"): Application => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name, namespace },
  spec: { project: of, destination: { server: "https://kubernetes.default.svc" } },
});

function world(written: AppProject, ...apps: Application[]) {
  let current = written;
  const listeners: { project?: (change: object) => void; application?: (change: object) => void } = {};
  const patches: unknown[] = [];
  let failures = 0;
  const clock = fakeClock();
  releaseProjects(op, {
    clock,
    namespace: "argocd",
    control: {
      patch: (_op, _type, _ref, { body }) => {
        patches.push(body);
        return failures-- > 0
          ? Promise.reject(new DriftlessError("CONFLICT", "modified"))
          : Promise.resolve(project(true, ["another"]));
      },
    },
    projects: {
      get: () => current,
      values: () => [current].values(),
      subscribe: (listener) => ((listeners.project = listener as never), () => {}),
      observe: () => {},
    },
    applications: {
      values: () => apps.values(),
      subscribe: (listener) => ((listeners.application = listener as never), () => {}),
    },
  });
  return {
    patches,
    clock,
    fail: () => (failures = 1),
    write: (after: AppProject) => listeners.project!({ before: current, after: (current = after) }),
    move: (before: Application, after: Application | undefined) => {
      apps.splice(apps.indexOf(before), 1, ...(after ? [after] : []));
      listeners.application!({ before, after });
    },
  };
}

const off = { metadata: { finalizers: ["another"], resourceVersion: "7" } };

test("a project that nobody uses loses its finalizer, and no other", () => {
  const { patches, write } = world(project(false));
  expect(patches).toEqual([]);
  write(project(true));
  expect(patches).toEqual([off]);
});

test("one that was being deleted before the start is looked at", () => {
  expect(world(project(true)).patches).toEqual([off]);
});

test("one that is used waits until its last application is gone, or belongs to another", () => {
  const [one, two] = [application("one"), application("two", "team-a")];
  const { patches, move } = world(project(true), one, two);
  move(one, undefined);
  expect(patches).toEqual([]);
  move(two, application("two", "team-a", "other"));
  expect(patches).toEqual([off]);
});

test("an application that the project does not let in does not hold it", () => {
  expect(world(project(true), application("stranger", "elsewhere")).patches).toEqual([off]);
});

test("without the finalizer nothing is written", () => {
  expect(world(project(true, ["another"])).patches).toEqual([]);
});

test("a write that fails is tried again", async () => {
  const { patches, fail, write, clock } = world(project(false));
  fail();
  write(project(true));
  await clock.advance(5000);
  expect(patches).toHaveLength(2);
});
