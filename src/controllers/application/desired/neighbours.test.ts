import { describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { testOperation } from "#git/testing.ts";
import type { RepositoryAccess } from "#git/types.ts";
import { createNeighbours } from "./neighbours.ts";

const opened: string[] = [];
const asked: RepositoryAccess[] = [];
const repositories: Readonly<Record<string, string>> = { "@shop": "https://charts.example.com/shop" };

function neighbours(...sourceRepos: string[]): ReturnType<ReturnType<typeof createNeighbours>> {
  opened.length = 0;
  asked.length = 0;
  const of = createNeighbours({
    project: () => ({ apiVersion: "v1", kind: "AppProject", metadata: { name: "shop" }, spec: { sourceRepos } }),
    access: (url) => ({ url, username: "ada", password: "secret", caBundle: "CA" }),
    openQuietly: () => ({}) as never,
    files: {
      get: async (_op, access) => {
        asked.push(access);
        return {} as never;
      },
      expire: () => {},
      close: async () => {},
    },
    signatures: { asks: () => false, pass: async () => {}, passRegistry: () => {}, describe: async () => undefined },
    submodules: () => true,
    chartRepository: (written) => (written.startsWith("@") ? repositories[written] : written),
    valuesFileSchemes: () => ["https"],
  });
  return of("shop", {
    repository: () => ({}) as never,
    chart: (repo, name) => {
      opened.push(`${repo} ${name}`);
      return { resolve: async () => ({ sha: "1.0.0" }), pinned: async () => ({}) } as never;
    },
  });
}

const chart = async (repo: string, ...sourceRepos: string[]): Promise<string> => {
  try {
    await neighbours(...sourceRepos).chart(testOperation(), { kind: "chart", repo, name: "web", version: "^1" });
    return opened.join();
  } catch (error) {
    if (error instanceof DriftlessError) return `${error.code}: ${error.message}`;
    throw error;
  }
};

describe("charts that are not an application's own", () => {
  it.each([
    ["https://charts.example.com/shop", ["https://charts.example.com/*"], "https://charts.example.com/shop web"],
    ["oci://ghcr.io/org/charts", ["ghcr.io/org/*"], "oci://ghcr.io/org/charts web"],
    ["oci://ghcr.io/org/charts", ["oci://ghcr.io/org/*"], "oci://ghcr.io/org/charts web"],
    ["@shop", ["https://charts.example.com/shop"], "@shop web"],
    [
      "https://evil.example.com",
      ["https://charts.example.com/*"],
      "PROJECT_FORBIDS: project shop does not permit the chart repository https://evil.example.com: add it to spec.sourceRepos of the project, or take it out of the source",
    ],
    [
      "@shop",
      ["https://git.example.com/*"],
      "PROJECT_FORBIDS: project shop does not permit the chart repository https://charts.example.com/shop: add it to spec.sourceRepos of the project, or take it out of the source",
    ],
    ["@none", ["*"], "REPOSITORY_UNREACHABLE: no repository is configured by the name @none"],
  ])("%s where the project has %j", async (repo, sourceRepos, expected) => {
    expect(await chart(repo, ...sourceRepos)).toBe(expected);
  });
});

describe("value files behind URLs", () => {
  it("go by their scheme, whatever the project has, and get no credentials", async () => {
    const shop = neighbours("https://git.example.com/*");
    await shop.file(testOperation(), { kind: "file", url: "https://values.example.com/a.yaml", values: true });
    expect(asked).toEqual([{ url: "https://values.example.com/a.yaml", caBundle: "CA" }]);
    await expect(
      shop.file(testOperation(), { kind: "file", url: "http://ada:secret@values.example.com/a.yaml", values: true }),
    ).rejects.toThrow(
      "the URL scheme http of the value file http://***@values.example.com/a.yaml is not allowed: helm.valuesFileSchemes has https",
    );
  });
});
