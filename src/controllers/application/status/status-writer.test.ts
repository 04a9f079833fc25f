import { expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import { applyMergePatch } from "#core/merge/merge-patch.ts";
import type { Application, Operation } from "#model/application.ts";
import { newAppState, type AppState } from "../state.ts";
import { StatusWriter } from "./status-writer.ts";
import { op } from "../testing/fakes.ts";

const asked = (revision: string): Operation => ({ sync: { revision }, initiatedBy: { username: "somebody" } });

/** An API server that knows one Application, and a controller's view of it that hears of no write but its own. */
function world(operation: Operation | undefined) {
  let version = 1;
  let stored: Application = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "shop", namespace: "argocd", uid: "u", resourceVersion: "1" },
    spec: { project: "default", destination: { server: "https://kubernetes.default.svc", namespace: "shop" } },
    ...(operation ? { operation } : {}),
  };
  const write = (patch: Json): Application => {
    const after = applyMergePatch(stored as unknown as Json, patch) as unknown as Application;
    stored = { ...after, metadata: { ...after.metadata, resourceVersion: String(++version) } };
    return stored;
  };
  let interfere = (): void => {};
  const control = {
    get: () => Promise.resolve(stored),
    patch: (_op: unknown, _type: unknown, _ref: unknown, { body }: { body: Json }) => {
      interfere();
      const wanted = (body as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
      if (wanted !== undefined && wanted !== stored.metadata.resourceVersion)
        return Promise.reject(new DriftlessError("CONFLICT", "the object has been modified"));
      return Promise.resolve(write(body));
    },
  };
  const woken: string[] = [];
  const writer = new StatusWriter({
    clock: fakeClock(),
    namespace: "argocd",
    control: control as never,
    settings: () => ({ persistHealth: false }) as never,
    events: { record: () => {} } as never,
    applications: { observe: () => {}, get: () => undefined } as never,
    dependencies: { judged: () => {} },
    wake: (key) => woken.push(key),
    busy: () => false,
    history: () => undefined,
    conditions: () => [],
  });
  const state: AppState = newAppState("argocd/shop", "shop", stored);
  return {
    writer,
    state,
    woken,
    write,
    stored: () => stored,
    interfering: (once: () => void) => {
      interfere = () => {
        interfere = () => {};
        once();
      };
    },
  };
}

const ended = (state: AppState, operation: Operation): void => {
  state.carriedOut = operation;
  state.operationState = {
    operation,
    phase: "Succeeded",
    startedAt: "2026-01-01T00:00:00Z",
    finishedAt: "2026-01-01T00:00:01Z",
  };
};

test("an operation that was carried out is taken off with the record of it", async () => {
  const { writer, state, stored } = world(asked("one"));
  ended(state, asked("one"));
  await writer.write(op, state, { urgent: true });
  expect(stored().operation).toBeUndefined();
  expect(stored().status?.operationState?.phase).toBe("Succeeded");
  expect(state.carriedOut).toBeUndefined();
});

test("one that somebody wrote meanwhile, unseen, stays and gets a pass", async () => {
  const { writer, state, stored, write, interfering, woken } = world(asked("one"));
  ended(state, asked("one"));
  interfering(() => void write({ operation: asked("two") } as unknown as Json));
  await writer.write(op, state, { urgent: true });
  expect(stored().operation).toEqual(asked("two"));
  expect(stored().status?.operationState?.phase).toBe("Succeeded");
  expect(state.app.operation).toEqual(asked("two"));
  expect(woken).toContain("argocd/shop");
});

test("the begin of an automated one does not overwrite what somebody asked for meanwhile", async () => {
  const { writer, state, stored, write, interfering } = world(undefined);
  const automated: Operation = { sync: { revision: "auto" }, initiatedBy: { automated: true } };
  state.running = { operation: automated, announce: true } as AppState["running"];
  state.operationState = { operation: automated, phase: "Running", startedAt: "2026-01-01T00:00:00Z" };
  interfering(() => void write({ operation: asked("two") } as unknown as Json));
  await writer.write(op, state, { urgent: true });
  expect(stored().operation).toEqual(asked("two"));
  expect(stored().status?.operationState?.operation).toEqual(automated);
});

test("another change of the application in between keeps nothing from being taken off", async () => {
  const { writer, state, stored, write, interfering } = world(asked("one"));
  ended(state, asked("one"));
  interfering(() => void write({ metadata: { labels: { seen: "yes" } } }));
  await writer.write(op, state, { urgent: true });
  expect(stored().operation).toBeUndefined();
  expect(stored().metadata.labels).toEqual({ seen: "yes" });
});
