import { describe, expect, test } from "vitest";
import type { Application, ApplicationStatus } from "#model/application.ts";
import { parseResource } from "../flags/resources.ts";
import { isMet, operationInProgress } from "./watching.ts";

const app = (status: ApplicationStatus, operation?: Application["operation"]): Application => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "web" },
  spec: { project: "default", destination: {} },
  status,
  ...(operation ? { operation } : {}),
});
const state = { operation: { sync: {} }, phase: "Succeeded" as const, startedAt: "2026-01-02T03:04:05Z" };
const ended = { ...state, finishedAt: "2026-01-02T03:04:10Z" };

describe("an operation is in progress", () => {
  test.each([
    ["never", app({}), false],
    ["when it is requested", app({}, { sync: {} }), true],
    ["while it runs", app({ operationState: { ...state, phase: "Running" } }), true],
    [
      "until the application was compared after it",
      app({ operationState: ended, reconciledAt: "2026-01-02T03:04:09Z" }),
      true,
    ],
    ["not after that", app({ operationState: ended, reconciledAt: "2026-01-02T03:04:10Z" }), false],
    ["not after a dry run", app({ operationState: { ...ended, operation: { sync: { dryRun: true } } } }), false],
  ])("%s", (_name, given, expected) => {
    expect(operationInProgress(given)).toBe(expected);
  });
});

describe("conditions are met", () => {
  const status = (
    sync: "Synced" | "OutOfSync",
    health: "Healthy" | "Degraded" | "Suspended" | "Progressing",
  ): ApplicationStatus => ({
    sync: { status: sync },
    health: { status: health },
    resources: [
      { kind: "Service", name: "web", status: "Synced", health: { status: "Healthy" } },
      { group: "apps", kind: "Deployment", name: "web", status: sync, health: { status: health } },
    ],
  });
  test.each([
    [{ sync: true, health: true, operation: true }, status("Synced", "Healthy"), true],
    [{ sync: true }, status("OutOfSync", "Healthy"), false],
    [{ health: true }, status("OutOfSync", "Healthy"), true],
    [{ health: true }, status("Synced", "Degraded"), false],
    [{ health: true, degraded: true }, status("Synced", "Degraded"), true],
    [{ suspended: true }, status("Synced", "Healthy"), false],
    [{ suspended: true, health: true }, status("Synced", "Suspended"), true],
    [{ delete: true }, status("Synced", "Healthy"), false],
  ])("%j", (conditions, given, expected) => {
    expect(isMet(app(given), conditions)).toBe(expected);
  });

  test("not before the operation has ended, where that is waited for", () => {
    const running = app({ ...status("Synced", "Healthy"), operationState: { ...state, phase: "Running" } });
    expect(isMet(running, { operation: true })).toBe(false);
    expect(isMet(running, { health: true })).toBe(true);
  });

  test("only the chosen resources count", () => {
    const waiting = app(status("OutOfSync", "Progressing"));
    expect(isMet(waiting, { sync: true, health: true }, [parseResource(":Service:web")])).toBe(true);
    expect(isMet(waiting, { sync: true, health: true }, [parseResource("apps:Deployment:web")])).toBe(false);
  });
});
