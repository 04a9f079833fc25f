import { describe, expect, test } from "vitest";
import type { AppProjectSpec } from "#model/application.ts";
import { parseFlags } from "../flags.ts";
import { anyProjectFlag, keyId, projectFlags, withProjectFlags } from "./project-flags.ts";

const before: AppProjectSpec = {
  description: "old",
  sourceRepos: ["https://old"],
  orphanedResources: { warn: true, ignore: [{ kind: "ConfigMap" }] },
};

function withFlags(...argv: string[]): AppProjectSpec {
  const { values, given } = parseFlags(projectFlags, argv);
  return withProjectFlags(before, values, given);
}

describe("flags of a project", () => {
  test.each<[argv: string[], changed: Partial<AppProjectSpec>]>([
    [[], {}],
    [["--description", ""], { description: "" }],
    [["-s", "a", "-s", "b,c"], { sourceRepos: ["a", "b,c"] }],
    [["-d", "https://x,ns"], { destinations: [{ server: "https://x", namespace: "ns" }] }],
    [["-d", "*,"], { destinations: [{ server: "*", namespace: "" }] }],
    [["--source-namespaces", "a,b"], { sourceNamespaces: ["a", "b"] }],
    [
      ["--dest-service-accounts", "https://x,ns,other:deployer"],
      {
        destinationServiceAccounts: [{ server: "https://x", namespace: "ns", defaultServiceAccount: "other:deployer" }],
      },
    ],
    [["--allow-cluster-resource", "Namespace"], { clusterResourceWhitelist: [{ group: "", kind: "Namespace" }] }],
    [["--deny-cluster-resource", "*/X"], { clusterResourceBlacklist: [{ group: "*", kind: "X" }] }],
    [
      ["--allow-namespaced-resource", "apps/Deployment"],
      { namespaceResourceWhitelist: [{ group: "apps", kind: "Deployment" }] },
    ],
    [["--deny-namespaced-resource", "/Secret"], { namespaceResourceBlacklist: [{ group: "", kind: "Secret" }] }],
    [["--signature-keys", "4AEE18F83AFDEB23"], { signatureKeys: [{ keyID: "4AEE18F83AFDEB23" }] }],
    [["--orphaned-resources"], { orphanedResources: { ignore: [{ kind: "ConfigMap" }] } }],
    [["--orphaned-resources-warn=false"], { orphanedResources: { ignore: [{ kind: "ConfigMap" }], warn: false } }],
  ])("%j", (argv, changed) => {
    expect(withFlags(...argv)).toEqual({ ...before, ...changed });
  });

  test("orphans are no longer watched for", () => {
    expect(withFlags("--orphaned-resources=false")).not.toHaveProperty("orphanedResources");
  });

  test.each<[argv: string[], says: RegExp]>([
    [["--dest", "https://x"], /--dest takes SERVER,NAMESPACE, not "https:\/\/x"/],
    [["--dest", "a,b,c"], /--dest takes/],
    [["--dest", ",b"], /--dest takes/],
    [["--dest-service-accounts", "a,b"], /--dest-service-accounts takes/],
    [["--allow-cluster-resource", "a/b/c"], /--allow-cluster-resource takes GROUP\/KIND/],
    [["--deny-namespaced-resource", "a/"], /--deny-namespaced-resource takes/],
    [["--signature-keys", "zz"], /'zz' is not a valid GnuPG key ID/],
  ])("%j is refused", (argv, says) => {
    expect(() => withFlags(...argv)).toThrow(says);
  });

  test("whether there is any", () => {
    expect(anyProjectFlag(new Set(["server"]))).toBe(false);
    expect(anyProjectFlag(new Set(["src"]))).toBe(true);
  });
});

test("a fingerprint is known by its last 16 digits", () => {
  expect(keyId("0".repeat(24) + "4AEE18F83AFDEB23")).toBe("4AEE18F83AFDEB23");
});
