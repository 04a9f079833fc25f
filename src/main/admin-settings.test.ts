// `admin settings validate` and `resource-overrides`: what the server would make of settings, without a server. What
// argocd 3.1.9 answers to the same files stands beside, where the answers are not the same words.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { engineForTests } from "#render/engine/testing.ts";
import { runCommand, type Outcome } from "./testing/commands.ts";

const cm = readFileSync(new URL("cases/argocd-cm.yaml", import.meta.url), "utf8");
const deploy = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, annotations: {noise: "1", keep: "2"}, generation: 1}
spec:
  replicas: 3
  template: {spec: {containers: [{name: main, image: a}, {name: side, image: b}]}}
status: {observedGeneration: 1, replicas: 3, updatedReplicas: 3, availableReplicas: 3}
`;
const thing = "{apiVersion: example.com/v1, kind: Thing, metadata: {name: t}, status: {ready: true, note: fine}}";
const map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: t}}";

describe("validate", () => {
  const validate = (files: Record<string, string>, ...rest: string[]): Promise<Outcome> =>
    runCommand(["admin", "settings", "validate", "--argocd-cm-path", "{DIR}/cm", ...rest], { files });

  test("tells of each group, as argocd does", async () => {
    const out =
      "✅ accounts\n3 accounts\n\n✅ general\nSSO is not configured\n\n✅ kustomize\n--enable-helm (1 versions)\n\n✅ resource-overrides\n3 resource overrides\n";
    expect(await validate({ cm })).toEqual({ code: 0, out, err: "" });
    expect((await validate({ cm }, "--group", "kustomize", "--group", "accounts")).out).toBe(
      "✅ kustomize\n--enable-helm (1 versions)\n\n✅ accounts\n3 accounts\n",
    );
    const sso = "data: {dex.config: 'connectors: []'}";
    expect((await validate({ cm: sso }, "--group", "general")).out).toContain(
      "Dex is configured ('url' field is missing)",
    );
  });

  test.each<readonly [data: string, group: string, why: string]>([
    ["accounts.a: fly", "accounts", "accounts.a: fly is neither login nor apiKey"],
    ["accounts.a.enabled: maybe", "accounts", "accounts.a.enabled: it is neither true nor false: maybe"],
    ["timeout.reconciliation: never", "general", "timeout.reconciliation: it is not a duration"],
    ["url: here", "general", "url: it is not an http or https URL: here"],
    ["resource.customizations: '[]'", "resource-overrides", "resource.customizations: it is not a YAML mapping"],
    [
      "resource.customizations.ignoreDifferences.apps_Deployment: 'jsonPointers: x'",
      "resource-overrides",
      "resource.customizations.ignoreDifferences of apps/Deployment: jsonPointers is not a list of texts",
    ],
    [
      "resource.customizations.actions.apps_Deployment: 'definitions: [{name: x}]'",
      "resource-overrides",
      "resource.customizations.actions of apps/Deployment: an entry of definitions has no name or no action.lua",
    ],
  ])("%s", async (data, group, why) => {
    const { code, out } = await validate({ cm: `data: {${data}}` });
    expect(code).toBe(1);
    expect(out).toContain(`❌ ${group}\n${why}`);
    expect(out.match(/❌/g)).toHaveLength(1);
  });

  test("a Secret's values are never told", async () => {
    const data = { "admin.password": "canary-1", "admin.passwordMtime": "canary-2", "accounts.a.tokens": "canary-3" };
    const { code, out } = await validate(
      { cm, secret: JSON.stringify({ stringData: data }) },
      "--argocd-secret-path",
      "{DIR}/secret",
    );
    expect([code, out.match(/argocd-secret: .*/g)]).toEqual([
      1,
      [
        "argocd-secret: admin.password is not the bcrypt hash of a password",
        "argocd-secret: admin.passwordMtime is not a time",
        "argocd-secret: accounts.a.tokens is not a JSON list of tokens",
      ],
    ]);
    expect(out).not.toContain("canary");
    const broken = await validate({ cm, secret: "a: [canary" }, "--argocd-secret-path", "{DIR}/secret");
    expect(broken).toMatchObject({ code: 20, err: expect.stringMatching(/^\{DIR\}\/secret: line 1: /) as string });
    expect(broken.err).not.toContain("canary");
  });

  test("something has to say which settings, and which groups there are", async () => {
    const none = await runCommand(["admin", "settings", "validate"]);
    expect(none).toMatchObject({ code: 20, err: expect.stringContaining("--load-cluster-settings") as string });
    expect((await validate({ cm }, "--group", "x")).err).toContain("--group takes one of accounts, general");
  });
});

describe.skipIf(!engineForTests())("overrides, tried on an object", () => {
  const tried = (words: readonly string[], object: string, settings = cm): Promise<Outcome> => {
    const [command = "", ...rest] = words;
    const args = ["admin", "settings", "resource-overrides", command, "{DIR}/object", ...rest];
    return runCommand([...args, "--argocd-cm-path", "{DIR}/cm"], { files: { object, cm: settings } });
  };

  test.each<readonly [words: readonly string[], object: string, out: string]>([
    [["health"], deploy, "STATUS: Healthy\nMESSAGE: \n"],
    [["health"], thing, "STATUS: Healthy\nMESSAGE: fine\n"],
    [["health"], thing.replace("ready: true", "ready: false"), "STATUS: Progressing\nMESSAGE: Wait\n"],
    [["health"], map, "Health script is not configured for '/ConfigMap'\n"],
    [["list-actions"], deploy, "NAME          DISABLED\nrestart       false\nscale-to-two  false\n"],
    [
      ["list-actions"],
      deploy.replace("replicas: 3\n", "replicas: 2\n"),
      "NAME          DISABLED\nrestart       false\nscale-to-two  true\n",
    ],
    [["list-actions"], thing, "Actions are not configured for 'example.com/Thing'\n"],
    [
      ["run-action", "restart"],
      deploy,
      "Following resource was created:\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: x\n  namespace: shop\n\n",
    ],
    // argocd: "Ignore differences are not configured for '/ConfigMap'".
    [["ignore-differences"], map, "No fields of this /ConfigMap are ignored by ignoreDifferences settings\n"],
  ])("%j", async (words, object, out) => {
    expect(await tried(words, object)).toEqual({ code: 0, out, err: "" });
  });

  const gone = ({ out }: Outcome): readonly string[] => (out.match(/^-(?!--).*$/gm) ?? []).map((line) => line.trim());
  const status = ["-status:", "-  availableReplicas: 3", "-  observedGeneration: 1", "-  replicas: 3"];

  test("fields that comparing leaves out: by pointers, by jq, and the status", async () => {
    const found = await tried(["ignore-differences"], deploy);
    expect(found.out).toMatch(/^Following fields are ignored:\n\n/);
    const sidecar = ["-        - image: b", "-          name: side"];
    expect(gone(found)).toEqual(["-  replicas: 3", ...sidecar, ...status, "-  updatedReplicas: 3"]);
    const compared = cm.replace("data:\n", 'data:\n  resource.compareoptions: "ignoreResourceStatusField: none"\n');
    expect(gone(await tried(["ignore-differences"], deploy, compared))).toEqual(["-  replicas: 3", ...sidecar]);
  });

  test("fields whose changes wake nobody: those and the rules for updates", async () => {
    const found = gone(await tried(["ignore-resource-updates"], deploy));
    expect(found).toEqual(expect.arrayContaining(["-    noise: '1'", "-  generation: 1", "-  replicas: 3", ...status]));
    expect(found).not.toContain("-    keep: '2'");
  });

  test("an action that changes the object", async () => {
    const found = await tried(["run-action", "scale-to-two"], deploy);
    expect(found.out).toMatch(/^Following fields have been changed:\n\n/);
    expect(found.out.match(/^[+-] .*$/gm)).toEqual(["-  replicas: 3", "+  replicas: 2"]);
  });

  test("a built-in action takes parameters", async () => {
    const found = await tried(["action", "scale", "--param", "replicas=7"], deploy, "data: {}");
    expect(found.out).toContain("+  replicas: 7\n");
  });

  test.each<readonly [words: readonly string[], object: string, settings: string, why: RegExp]>([
    [["run-action", "nope"], deploy, cm, /Deployment web has no action "nope"/],
    [["health"], thing, cm.replace('hs.status = "Progressing"', "hs.status = nothing.at.all"), /attempt to index/],
    [["ignore-differences"], deploy, cm.replace(".spec.template.spec.containers[]", ".spec | error"), /jq expression/],
    [["health"], "just text", cm, /holds no Kubernetes object/],
    [["health"], "{kind: Pod}", cm, /without apiVersion or kind/],
  ])("%j that fails says why", async (words, object, settings, why) => {
    const found = await tried(words, object, settings);
    expect(found).toMatchObject({ code: 20, out: "", err: expect.stringMatching(why) as string });
  });
});
