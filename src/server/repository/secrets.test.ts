import { describe, expect, it } from "vitest";
import { repositoryFromSecret } from "#model/repository.ts";
import { repositorySecretName, secretNameOf } from "../secret-names.ts";
import { fieldsOfSecret, kindOf, repositorySecret, shownFields, shownUrl, withKept } from "./secrets.ts";

const everything = {
  repo: "https://git.example.com/a.git",
  name: "a",
  type: "git",
  project: "p",
  username: "u",
  password: "canary-password",
  bearerToken: "canary-bearer",
  sshPrivateKey: "canary-ssh",
  tlsClientCertData: "canary-cert",
  tlsClientCertKey: "canary-key",
  githubAppPrivateKey: "canary-app",
  gcpServiceAccountKey: "canary-gcp",
  azureServicePrincipalClientSecret: "canary-azure",
  insecure: true,
  enableLfs: true,
  depth: 3,
  proxy: "http://proxy",
};

describe("repository Secrets", () => {
  const secret = repositorySecret("repository", everything, { namespace: "argocd" });

  it("hold what was sent, as the rest of the program reads it", () => {
    expect(kindOf(secret)).toBe("repository");
    expect(repositoryFromSecret(secret)).toMatchObject({
      url: everything.repo,
      project: "p",
      password: "canary-password",
      insecure: true,
    });
    const { repo, ...rest } = everything;
    expect(fieldsOfSecret(secret)).toEqual({ ...rest, url: repo });
  });

  it("give away nothing that lets one in", () => {
    expect(JSON.stringify(shownFields(fieldsOfSecret(secret)))).not.toContain("canary");
  });

  it("leave out what is empty", () => {
    const bare = repositorySecret(
      "repo-creds",
      { url: "https://x", password: "", insecure: false, depth: 0 },
      { namespace: "argocd" },
    );
    expect(fieldsOfSecret(bare)).toEqual({ url: "https://x" });
  });

  it.each([
    [{}, "repo.repo"],
    [{ repo: "https://a\nb" }, "repo.repo"],
    [{ repo: "https://a", insecure: "yes" }, "insecure"],
    [{ repo: "https://a", username: 5 }, "username"],
  ])("refuse %j", (wanted, field) => {
    expect(() => repositorySecret("repository", wanted, { namespace: "argocd" })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", details: expect.objectContaining({ field }) }),
    );
  });

  // FNV-1a of the URL and the project, decimal: names that Argo CD gives too.
  it("have the names that Argo CD gives them", () => {
    expect(repositorySecretName("repo", "", "")).toBe("repo-2166136261");
    expect(repositorySecretName("creds", "a", "")).toBe("creds-3826002220");
    expect(secretNameOf("cluster", "https://Example.com:6443")).toMatch(/^cluster-example\.com-\d+$/);
  });
});

describe("URLs with user and password", () => {
  const known = { url: "https://me:canary@git.example.com/a", proxy: "http://me:canary@proxy:3128", username: "u" };
  const shown = { repo: shownUrl(known.url), ...shownFields(known) };

  it("are shown without", () => {
    expect(shown).toEqual({ repo: "https://***@git.example.com/a", proxy: "http://***@proxy:3128", username: "u" });
  });

  it("are kept where what was shown is written back", () => {
    expect(withKept({ ...shown, url: shown.repo, username: "other" }, known)).toEqual({
      ...known,
      repo: known.url,
      username: "other",
    });
  });

  it("are replaced, or go, where others are written", () => {
    const wanted = { repo: "https://git.example.com/a", proxy: "http://you:new@proxy:3128" };
    expect(withKept(wanted, known)).toEqual(wanted);
  });

  it("are not made up, nor taken from another field", () => {
    expect(() => withKept(shown, undefined)).toThrow("none here to keep");
    expect(() => withKept({ ...shown, proxy: "http://***@other:3128" }, known)).toThrow(/other:3128 are hidden/);
  });
});
