import { expect, it } from "vitest";
import type { OperationState, ResourceResult } from "#model/application.ts";
import type { Desired } from "../desired/desired.ts";
import { failureText } from "./sync-failure.ts";

const result = (name: string, more: Partial<ResourceResult>): ResourceResult => ({
  group: "",
  version: "v1",
  kind: "Service",
  namespace: "shop",
  name,
  ...more,
});
const operation = (...resources: ResourceResult[]): OperationState => ({
  operation: {},
  phase: "Failed",
  startedAt: "",
  syncResult: { revision: "", resources },
});
const desired = {
  objects: new Map([["/Service/shop/web", { file: "apps/web.yaml", line: 7 }]]),
  hooks: [{ text: "/Service/shop/check", file: "hooks.yaml", line: 3 }],
} as unknown as Desired;

it.each([
  [
    "the object and its file",
    operation(result("ok", { status: "Synced" }), result("web", { status: "SyncFailed" })),
    "refused (Service shop/web, apps/web.yaml:7)",
  ],
  [
    "a hook and its file",
    operation(result("check", { hookType: "PreSync", hookPhase: "Failed", status: "Synced" })),
    "refused (Service shop/check, hooks.yaml:3)",
  ],
  ["an object without a file", operation(result("pruned", { status: "SyncFailed" })), "refused (Service shop/pruned)"],
  [
    "the reason alone where no object failed",
    operation(result("ok", { status: "Synced", hookPhase: "Running" })),
    "refused",
  ],
  ["the reason alone where there was no operation", undefined, "refused"],
])("names %s", (_what, state, expected) => {
  expect(failureText("refused", state, desired)).toBe(expected);
});
