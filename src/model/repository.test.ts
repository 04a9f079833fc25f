import { describe, expect, it } from "vitest";
import { credentialsFor, registryFor, repositoryFromSecret, type RepositoryConfig } from "./repository.ts";

const secret = (name: string, data: Readonly<Record<string, string>>, type = "repository"): RepositoryConfig => {
  const found = repositoryFromSecret({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, labels: { "argocd.argoproj.io/secret-type": type } },
    stringData: data,
  });
  if (!found) throw new Error("describes no repository");
  return found;
};

const configs = [
  secret("web", {
    type: "helm",
    name: "shop",
    url: "https://charts.example.com/shop/",
    username: "ada",
    password: "1",
  }),
  secret("theirs", { type: "helm", name: "shop", project: "other", url: "https://other.example.com", password: "2" }),
  secret("oci", { type: "helm", enableOCI: "true", url: "ghcr.io/org/charts", username: "bob", password: "3" }),
  secret("plain", { type: "oci", url: "oci://registry.local:5000/x", insecureOCIForceHttp: "true" }),
  secret(
    "template",
    { type: "helm", url: "https://internal.example.com", username: "eve", password: "4" },
    "repo-creds",
  ),
];

const found = (url: string, project = "default"): string | undefined => {
  const {
    username = "-",
    password = "-",
    enableOci = false,
    forceHttp = false,
    url: at,
  } = registryFor(url, project, configs) ?? { url: "" };
  return at === "" ? undefined : `${at} ${username} ${password}${enableOci ? " oci" : ""}${forceHttp ? " http" : ""}`;
};

describe("what is used for a chart's repository", () => {
  it.each<[string, string, string | undefined]>([
    ["its own Secret", "https://charts.example.com/shop", "https://charts.example.com/shop ada 1"],
    ["its own Secret, written otherwise", "https://Charts.example.com/shop/", "https://Charts.example.com/shop/ ada 1"],
    [
      "the template of its prefix",
      "https://internal.example.com/team/charts",
      "https://internal.example.com/team/charts eve 4",
    ],
    ["nothing, where nothing is configured", "https://public.example.com", "https://public.example.com - -"],
    ["an OCI registry's, with or without a scheme", "oci://ghcr.io/org/charts", "oci://ghcr.io/org/charts bob 3 oci"],
    ["another repository's of the same registry", "oci://ghcr.io/org/other", "oci://ghcr.io/org/other bob 3 oci"],
    ["how to reach the same registry", "oci://registry.local:5000/y/z", "oci://registry.local:5000/y/z - - http"],
    ["not another host's", "oci://ghcr.io.example.com/org/charts", "oci://ghcr.io.example.com/org/charts - -"],
    ["the one with that name", "@shop", "https://charts.example.com/shop/ ada 1"],
    ["the one with that name, written otherwise", "alias:shop", "https://charts.example.com/shop/ ada 1"],
    ["none, for a name that is not there", "@none", undefined],
  ])("%s", (_name, url, expected) => expect(found(url)).toBe(expected));

  it("a project's own comes before others, and is nobody else's", () => {
    expect(found("@shop", "other")).toBe("https://other.example.com - 2");
    expect(found("https://other.example.com", "default")).toBe("https://other.example.com - -");
  });
});

describe("what is used for a Git repository", () => {
  const git = [
    secret("all", { url: "https://git.example.com", password: "all" }, "repo-creds"),
    secret("team", { url: "https://git.example.com/team", password: "team" }, "repo-creds"),
    secret("team-own", { url: "https://git.example.com", password: "own", project: "team" }, "repo-creds"),
    secret("ssh", { url: "git@git.example.com:", sshPrivateKey: "key" }, "repo-creds"),
    secret("shop", { url: "https://git.example.com/team/shop", password: "shop" }),
    secret("shop-team", { url: "https://git.example.com/team/shop", password: "mine", project: "team" }),
    secret("shop-other", { url: "https://git.example.com/team/shop", password: "theirs", project: "other" }),
    secret("bare", { url: "https://git.example.com/team/bare", project: "team" }),
  ];
  const plain = (url: string): string => url.toLowerCase().replace(/\.git$/, "");
  it.each<[string, string, string, string | undefined]>([
    ["its own Secret", "https://git.example.com/team/shop.git", "default", "shop"],
    ["the project's own Secret before that of nobody", "https://git.example.com/team/shop", "team", "mine"],
    ["the longest template", "https://git.example.com/team/cart", "default", "team"],
    ["a shorter one for others", "https://git.example.com/else/cart", "default", "all"],
    ["the project's own template before a longer one of nobody", "https://git.example.com/team/cart", "team", "own"],
    ["a template where its own Secret has nothing", "https://git.example.com/team/bare", "team", "own"],
    ["by ssh a template of that form", "git@git.example.com:team/shop", "default", "key"],
    ["nothing for a host that begins like one", "https://git.example.com.evil.example/x", "default", undefined],
    ["nothing for a host behind another as the user", "https://git.example.com@evil.example/x", "default", undefined],
    ["a template on another port of its host", "https://git.example.com:8443/x", "default", "all"],
  ])("%s", (_name, url, project, expected) => {
    const { password, sshPrivateKey } = credentialsFor(url, project, git, plain) ?? {};
    expect(password ?? sshPrivateKey).toBe(expected);
  });
});
