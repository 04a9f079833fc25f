import { describe, expect, it } from "vitest";
import type { Application } from "#model/application.ts";
import { rowOf } from "./row.ts";
import { application } from "./testing.ts";

const running = {
  operation: {},
  phase: "Running",
  startedAt: "2030-01-01T00:00:00Z",
  message: "waiting for hook",
} as const;

describe("a row of the list", () => {
  it("names the cluster as people do", () => {
    expect(rowOf(application({ name: "a" })).cluster).toBe("in-cluster");
    expect(rowOf(application({ name: "a", cluster: "eu-1" })).cluster).toBe("eu-1");
  });
  it("is called by its namespace too where that is not the controller's", () => {
    const of = (namespace: string): string => {
      const app = application({ name: "a", namespace });
      return rowOf({ ...app, status: { ...app.status, controllerNamespace: "argocd" } }).title;
    };
    expect([of("argocd"), of("team")]).toEqual(["a", "team/a"]);
    expect(rowOf(application({ name: "a", namespace: "team" })).title).toBe("a");
  });
  it("is Unknown where nothing is known yet", () => {
    const { status: _status, ...fresh } = application({ name: "a" });
    expect(rowOf(fresh as Application)).toMatchObject({ sync: "Unknown", health: "Unknown", revision: "", note: "" });
  });
  it.each<[string, Partial<Application>, string]>([
    ["what an operation waits for", { status: { operationState: running } }, "waiting for hook"],
    ["that an operation was asked for", { operation: {} }, "syncing"],
    [
      "a condition before all else",
      { status: { operationState: running, conditions: [{ type: "ComparisonError", message: "no such path" }] } },
      "no such path",
    ],
    ["no warning", { status: { conditions: [{ type: "SharedResourceWarning", message: "shared" }] } }, ""],
    ["why it is degraded", { status: { health: { status: "Degraded", message: "crash" } } }, "crash"],
  ])("says %s", (_title, part, note) => expect(rowOf({ ...application({ name: "a" }), ...part }).note).toBe(note));
});
