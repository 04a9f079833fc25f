import { describe, expect, it } from "vitest";
import type { AppProjectSpec } from "#model/application.ts";
import { integrityOf } from "./integrity.ts";

const policy = (mode: string, ...repos: string[]) => ({
  repos: repos.map((url) => ({ url })),
  gpg: { mode, keys: ["AAAA"] },
});
const integrity = (...policies: ReturnType<typeof policy>[]): AppProjectSpec => ({
  sourceIntegrity: { git: { policies } },
});
const host = "https://git.example.com";

describe("what a project asks of a source's signature", () => {
  it.each<[string, AppProjectSpec, string, string]>([
    ["nothing by itself", {}, `${host}/a/b`, "nothing"],
    ["the keys of signatureKeys of every Git source", { signatureKeys: [{ keyID: "K" }] }, `${host}/a/b`, "head K"],
    ["what the matching policy says", integrity(policy("strict", `${host}/a/*`)), `${host}/a/b.git`, "strict AAAA"],
    ["nothing where no policy matches", integrity(policy("head", `${host}/a/*`)), `${host}/z/b`, "nothing"],
    ["a star goes past slashes", integrity(policy("head", `${host}/*`)), `${host}/a/b/c`, "head AAAA"],
    [
      "nothing where a pattern denies",
      integrity(policy("head", `${host}/*`, `!${host}/a/b`)),
      `${host}/a/b`,
      "nothing",
    ],
    ["nothing in mode none", integrity(policy("none", "*")), `${host}/a/b`, "nothing"],
    [
      "signatureKeys hold where no policy matches",
      { ...integrity(policy("none", `${host}/x`)), signatureKeys: [{ keyID: "K" }] },
      `${host}/a`,
      "head K",
    ],
    [
      "no way through two policies",
      integrity(policy("head", "*"), policy("none", `${host}/a`)),
      `${host}/a`,
      "impossible",
    ],
    ["no way through an unknown mode", integrity(policy("deep", "*")), `${host}/a`, "impossible"],
  ])("%s", (_name, spec, url, expected) => {
    const found = integrityOf(spec, url, "git");
    expect(found.asks === "signature" ? `${found.policy.mode} ${found.policy.keys.join(" ")}` : found.asks).toBe(
      expected,
    );
  });

  it("lets no chart through signatureKeys, and any through sourceIntegrity of Git", () => {
    expect(integrityOf({ signatureKeys: [{ keyID: "K" }] }, `${host}/charts`, "registry").asks).toBe("impossible");
    expect(integrityOf(integrity(policy("head", "*")), `${host}/charts`, "registry").asks).toBe("nothing");
  });
});
