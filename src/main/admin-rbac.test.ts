// `admin settings rbac`: the answers are argocd's, recorded, and what is valid is what the server takes.
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import { runCommand } from "./testing/commands.ts";

const data = parse(readFileSync(new URL("cases/rbac-can.yaml", import.meta.url), "utf8")) as {
  readonly policies: Readonly<Record<string, string>>;
  readonly cases: readonly (readonly [policy: string, args: readonly string[], answer: "Yes" | "No" | "refused"])[];
};
const can = ["admin", "settings", "rbac", "can"];
const validate = ["admin", "settings", "rbac", "validate", "--policy-file", "{DIR}/policy"];

describe("can, as argocd answers", () => {
  test.each(data.cases)("%s: %j", async (policy, args, answer) => {
    const files = { policy: data.policies[policy]! };
    const { code, out, err } = await runCommand([...can, ...args, "--policy-file", "{DIR}/policy"], { files });
    expect([code, out]).toEqual(answer === "refused" ? [1, ""] : [answer === "Yes" ? 0 : 1, `${answer}\n`]);
    expect(err).toMatch(answer === "refused" ? /is not a valid (action for|resource name)/ : /^$/);
    const quiet = await runCommand([...can, ...args, "--policy-file", "{DIR}/policy", "-q"], { files });
    expect(quiet).toEqual({ code, out: "", err });
  });
});

describe("validate", () => {
  test.each<readonly [name: string, policy: string, code: number, out: string, err: string]>([
    ["policy lines", data.policies["policy"]!, 0, "Policy is valid.\n", ""],
    ["a ConfigMap", data.policies["cm"]!, 0, "Policy is valid.\n", ""],
    ["too few fields", "p, a, b\n", 1, "Policy is invalid: line 1 of the policy is neither", ""],
    ["an effect that there is not", "p, a, applications, get, *, maybe\n", 1, "Policy is invalid: line 1", ""],
    ["neither rule nor grant", "# x\nx, a, b, c, d, allow\n", 1, "Policy is invalid: line 2", ""],
    ["nothing", "", 1, "", "Policy is empty or could not be loaded"],
    [
      "a word that does not exist",
      "p, a, applications, fly, *, allow\np, a, planes, get, *, allow\np, a, *, *, *, allow\n",
      0,
      "Policy is valid.\n",
      "warning: 'fly' is not a valid action for applications: p, a, applications, fly, *, allow\nwarning: 'planes' is not",
    ],
    [
      "a pattern that is none",
      'data: {policy.matchMode: regex, policy.csv: "p, a, applications, get, *, allow"}',
      0,
      "Policy is valid.\n",
      "warning: '*' is not a regular expression and matches nothing",
    ],
  ])("%s", async (_name, policy, code, out, err) => {
    const found = await runCommand(validate, { files: { policy } });
    expect(found.code).toBe(code);
    expect(found.out.startsWith(out) && (out !== "" || found.out === ""), found.out).toBe(true);
    expect(found.err.startsWith(err) && (err !== "" || found.err === ""), found.err).toBe(true);
  });

  test("one source is named, neither none nor both", async () => {
    const why = "please provide exactly one of --policy-file or --namespace\n";
    expect(await runCommand(["admin", "settings", "rbac", "validate"])).toEqual({ code: 1, out: "", err: why });
    const both = await runCommand([...can, "a", "get", "apps", "--policy-file", "x", "-n", "argocd"]);
    expect(both).toEqual({ code: 1, out: "", err: why });
    const gone = await runCommand(validate);
    expect(gone).toEqual({ code: 1, out: "", err: "{DIR}/policy cannot be read: there is no such file\n" });
  });
});

test("flags of a group may stand before the rest of a command's name", async () => {
  const files = { policy: "p, a, applications, get, *, allow\n" };
  const words = ["admin", "settings", "--argocd-cm-path", "x", "rbac", "validate", "--policy-file", "{DIR}/policy"];
  expect(await runCommand(words, { files })).toMatchObject({ code: 0, out: "Policy is valid.\n" });
});
