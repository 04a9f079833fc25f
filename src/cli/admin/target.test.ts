// The cluster that `admin` commands work on: kubectl's flags over the kubeconfig, and the namespace.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answer, operation, quickClock, refuse, startFakeServer, type FakeServer } from "#kube/testing/fake-server.ts";
import { targetFlags, type TargetValues } from "./flags.ts";
import { onCluster, types } from "./target.ts";
import type { Context } from "../context.ts";
import { parseFlags } from "../flags.ts";

let server: FakeServer;
let kubeconfig = "";

beforeAll(async () => {
  server = await startFakeServer((request, response) => {
    if (request.path.includes("/namespaces/argocd/configmaps/argocd-cm") || request.path.endsWith("/x"))
      answer(response, 200, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } });
    else refuse(response, 404, "NotFound", "not there");
  });
  kubeconfig = join(mkdtempSync(join(tmpdir(), "driftless-target-")), "config");
  writeFileSync(
    kubeconfig,
    `
current-context: one
clusters: [{name: here, cluster: {server: "${server.url}"}}, {name: away, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: robin, user: {token: robins}}, {name: kim, user: {token: kims}}]
contexts:
- {name: one, context: {cluster: here, user: robin}}
- {name: two, context: {cluster: here, user: kim, namespace: team}}
- {name: far, context: {cluster: away, user: kim}}
`,
  );
});
afterAll(() => server.close());

async function asked(
  argv: readonly string[],
  global: Partial<Context["global"]> = {},
): Promise<Record<string, unknown>> {
  const context = {
    op: operation(),
    env: { KUBECONFIG: kubeconfig },
    clock: quickClock,
    version: "0",
    global: { server: "", "kube-context": "", ...global },
  } as unknown as Context;
  const values: TargetValues = parseFlags(targetFlags, argv).values;
  return onCluster(context, values, async ({ client, namespace }) => {
    await client.get(context.op, types.configMap, { namespace, name: "x" });
    const { headers } = server.requests.at(-1)!;
    const names = ["authorization", "impersonate-user", "impersonate-group", "impersonate-uid"];
    const sent = names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]));
    return { namespace, ...Object.fromEntries(sent) };
  });
}

test.each<readonly [argv: readonly string[], found: Record<string, unknown>]>([
  // Neither a flag nor the context names a namespace: argocd has our settings, default has not.
  [[], { namespace: "argocd", authorization: "Bearer robins" }],
  [["-n", "other"], { namespace: "other", authorization: "Bearer robins" }],
  [["--context", "two"], { namespace: "team", authorization: "Bearer kims" }],
  [["--context", "two", "-n", "other"], { namespace: "other", authorization: "Bearer kims" }],
  [["--user", "kim", "-n", "x"], { namespace: "x", authorization: "Bearer kims" }],
  [["--context", "far", "--cluster", "here", "-n", "x"], { namespace: "x", authorization: "Bearer kims" }],
  [["--token", "t", "-n", "x"], { namespace: "x", authorization: "Bearer t" }],
  [["--username", "u", "--password", "p", "-n", "x"], { namespace: "x", authorization: "Basic dTpw" }],
  [
    ["--as", "kim", "--as-group", "a", "--as-group", "b", "--as-uid", "7", "-n", "x"],
    {
      namespace: "x",
      authorization: "Bearer robins",
      "impersonate-user": "kim",
      "impersonate-group": "a, b",
      "impersonate-uid": "7",
    },
  ],
])("%j", async (argv, found) => {
  expect(await asked(argv)).toEqual(found);
});

test("--server and --kube-context, which every command has, count here", async () => {
  expect(await asked(["--context", "far", "-n", "x"], { server: server.url })).toMatchObject({ namespace: "x" });
  expect(await asked([], { "kube-context": "two" })).toMatchObject({ namespace: "team" });
});

test.each<readonly [argv: readonly string[], why: string]>([
  [["--context", "nope"], "Context nope does not exist in kubeconfig"],
  [["--user", "nope"], 'has no user "nope"'],
  [["--cluster", "nope"], 'has no cluster "nope"'],
  [["--kubeconfig", "/nowhere/config"], "there is no kubeconfig /nowhere/config"],
  [["--certificate-authority", "/nowhere/ca"], "--certificate-authority: /nowhere/ca cannot be read (ENOENT)"],
])("%j is refused", async (argv, why) => {
  await expect(asked(argv)).rejects.toThrow(why);
});
