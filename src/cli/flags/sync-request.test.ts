import { describe, expect, test } from "vitest";
import type { Application } from "#model/application.ts";
import sync from "../commands/app/sync.ts";
import { parseFlags } from "../flags.ts";
import { syncRequest, type SyncFlags } from "./sync-request.ts";

const app = (sources?: readonly { repoURL: string; name?: string }[]): Application => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "web" },
  spec: { project: "default", destination: {}, ...(sources ? { sources } : { source: { repoURL: "r" } }) },
});

function request(line: readonly string[], of: Application = app()): ReturnType<typeof syncRequest> {
  const { values } = parseFlags(sync.flags, line);
  return syncRequest(values as unknown as SyncFlags, of, []);
}

describe("the flags of sync become a request", () => {
  test.each<readonly [readonly string[], object]>([
    [[], {}],
    [["--prune", "--dry-run"], { prune: true, dryRun: true }],
    [["--revision", "v1"], { revision: "v1" }],
    [["--force"], { strategy: { hook: { force: true } } }],
    [["--strategy", "apply"], { strategy: { apply: {} } }],
    [
      ["--replace", "--server-side", "--apply-out-of-sync-only"],
      { syncOptions: { items: ["Replace=true", "ServerSideApply=true", "ApplyOutOfSyncOnly=true"] } },
    ],
    [["--info", "ticket=4"], { infos: [{ name: "ticket", value: "4" }] }],
    [
      ["--retry-limit", "2", "--retry-backoff-max-duration", "1m"],
      { retryStrategy: { limit: 2, backoff: { duration: "5s", factor: 2, maxDuration: "1m0s" } } },
    ],
  ])("%j", (line, expected) => {
    expect(request(line)).toEqual({ prune: false, dryRun: false, strategy: { hook: {} }, ...expected });
  });

  test("revisions of several sources go by position or by name", () => {
    const several = app([{ repoURL: "a" }, { repoURL: "b", name: "values" }]);
    const expected = { revisions: ["v1"], sourcePositions: [2] };
    expect(request(["--revisions", "v1", "--source-positions", "2"], several)).toMatchObject(expected);
    expect(request(["--revisions", "v1", "--source-names", "values"], several)).toMatchObject(expected);
  });

  test.each([
    [["--strategy", "blue"], "Unknown sync strategy: 'blue'"],
    [["--revisions", "v1"], "--revisions needs as many"],
    [["--revisions", "v1", "--source-positions", "0"], "counted from 1"],
    [["--revisions", "v1", "--source-names", "nope"], 'no source named "nope"'],
    [["--info", "x"], "--info takes KEY=VALUE"],
  ])("%j is refused", (line, message) => {
    expect(() => request(line)).toThrow(message);
  });

  test("one revision for several sources is refused", () => {
    expect(() => request(["--revision", "v1"], app([{ repoURL: "a" }]))).toThrow(/--revision is for one source/);
  });
});
