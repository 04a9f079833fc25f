import { beforeEach, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { configMap, fakeRenderer, fakeRepository, op, type Files } from "../testing/fakes.ts";
import type { SignatureGate } from "./signatures.ts";
import { Sources, type FollowRequest } from "./sources.ts";

const request = (application: string, path: string, targetRevision = "main"): FollowRequest => ({
  application,
  appName: application,
  project: "default",
  namespace: "default",
  sources: [{ repoURL: "https://git.example.com/fleet.git", path, targetRevision }],
});

function world(files: Files, signatures?: SignatureGate) {
  const repository = fakeRepository();
  repository.commit("main", files);
  const renderer = fakeRenderer();
  const told: string[][] = [];
  const sources = new Sources({
    repositories: { open: () => repository, close: () => Promise.resolve() },
    renderer,
    ...(signatures ? { signatures } : {}),
    access: (url) => ({ url }),
    affected: (applications) => void told.push([...applications].sort()),
    op,
  });
  return { repository, renderer, sources, told };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Sources", () => {
  let files: Record<string, Files[string]>;
  beforeEach(() => {
    files = { "apps/a/x.yaml": configMap("a"), "apps/b/x.yaml": configMap("b"), "shared/y.yaml": configMap("y") };
  });

  it("tells only the applications whose directory a commit touches", async () => {
    const { repository, sources, told } = world(files);
    await sources.follow(op, request("a", "apps/a"));
    await sources.follow(op, request("b", "apps/b"));
    repository.commit("main", { ...files, "apps/b/x.yaml": configMap("b", { key: "value" }) });
    repository.arrive();
    await settled();
    expect(told).toEqual([["b"]]);
  });

  it("holds each commit back that is not signed as the project asks, whatever it touches", async () => {
    let signed = true;
    const { repository, renderer, sources, told } = world(files, {
      asks: () => true,
      passRegistry: () => {},
      describe: () => Promise.resolve(undefined),
      pass: () => (signed ? Promise.resolve() : Promise.reject(new DriftlessError("SIGNATURE_REQUIRED", "not signed"))),
    });
    await sources.follow(op, request("a", "apps/a"));
    signed = false;
    const before = renderer.rendered.length;
    repository.commit("main", { ...files, "apps/b/x.yaml": configMap("b", { key: "value" }) });
    repository.arrive();
    await settled();
    expect(told).toEqual([["a"]]);
    await expect(sources.follow(op, request("a", "apps/a"))).rejects.toMatchObject({ code: "SIGNATURE_REQUIRED" });
    expect(renderer.rendered.length).toBe(before);
    // Its tag may be signed meanwhile, at the same commit.
    await sources.refresh(op, request("a", "apps/a"));
    expect(told.slice(1)).toContainEqual(["a"]);
    // What comes from no revision has no signature.
    expect(() => sources.refuseUnsigned("default", request("a", "apps/a").sources)).toThrow(
      expect.objectContaining({ code: "SIGNATURE_REQUIRED", message: expect.stringContaining("local manifests") }),
    );
  });

  it("compares two commits once for all applications of a revision", async () => {
    const { repository, sources } = world(files);
    for (const name of ["a", "b", "c", "d"]) await sources.follow(op, request(name, "apps/a"));
    repository.commit("main", { ...files, "apps/a/x.yaml": configMap("a", { key: "value" }) });
    repository.arrive();
    await settled();
    expect(repository.changedPathsCalls).toBe(1);
  });

  it("moves the revision of applications that a commit does not touch, without rendering them", async () => {
    const { repository, renderer, sources } = world(files);
    await sources.follow(op, request("a", "apps/a"));
    const sha = repository.commit("main", { ...files, "apps/b/x.yaml": configMap("b", { key: "value" }) });
    repository.arrive();
    await settled();
    expect(sources.revisions("a")).toEqual([sha]);
    expect(renderer.rendered).toEqual(["a"]);
  });

  it("tells an application that failed to render about every commit", async () => {
    const { repository, sources, told } = world(files);
    await expect(sources.follow(op, request("lost", "apps/a", "no-such-branch"))).rejects.toThrow("no revision");
    repository.commit("no-such-branch", files);
    repository.arrive();
    await settled();
    expect(told).toEqual([["lost"]]);
  });

  it("lends the files of a ref to the other sources, and tells when one that was read changes", async () => {
    const { repository, renderer, sources, told } = world(files);
    const lending: Sources = new Sources({
      repositories: { open: () => repository, close: () => Promise.resolve() },
      renderer: {
        ...renderer,
        render: async (inner, asked) => {
          const { refs, source } = asked;
          const result = await renderer.render(inner, {
            ...asked,
            source: { ...source, path: source.path ?? "apps/a" },
          });
          const nothing = { directories: [], files: [], absent: [] };
          if (source.ref) return { ...result, reads: nothing };
          expect(Object.keys(refs ?? {})).toEqual(["lent"]);
          return {
            ...result,
            refReads: { lent: { ...nothing, files: [{ path: "shared/y.yaml", oid: "1" }] } },
          };
        },
      },
      access: (url) => ({ url }),
      affected: (applications) => void told.push([...applications]),
      op,
    });
    const { sources: both, ...rest } = request("a", "apps/a");
    await lending.follow(op, {
      ...rest,
      sources: [...both, { repoURL: "https://git.example.com/fleet.git", targetRevision: "main", ref: "lent" }],
    });
    repository.commit("main", { ...files, "shared/z.yaml": configMap("z") });
    repository.arrive();
    await settled();
    expect(told.flat()).toEqual([]);
    repository.commit("main", { ...files, "shared/y.yaml": configMap("y", { key: "value" }) });
    repository.arrive();
    await settled();
    expect(told.flat()).toEqual(["a"]);
    sources.close();
  });

  it("does not tell an application that was forgotten", async () => {
    const { repository, sources, told } = world(files);
    await sources.follow(op, request("a", "apps/a"));
    sources.forget("a");
    repository.commit("main", { ...files, "apps/a/x.yaml": configMap("a", { key: "value" }) });
    repository.arrive();
    await settled();
    expect(told.flat()).toEqual([]);
  });

  it("follows another revision after the spec changed", async () => {
    const { repository, sources, told } = world(files);
    repository.commit("stable", files);
    repository.arrive();
    await sources.follow(op, request("a", "apps/a"));
    await sources.follow(op, request("a", "apps/a", "stable"));
    repository.commit("main", { ...files, "apps/a/x.yaml": configMap("a", { key: "value" }) });
    repository.arrive();
    await settled();
    expect(told.flat()).toEqual([]);
  });

  it("refreshes before it answers: what changed has been told when refresh returns", async () => {
    const { repository, sources, told } = world(files);
    await sources.follow(op, request("a", "apps/a"));
    repository.commit("main", { ...files, "apps/a/x.yaml": configMap("a", { key: "value" }) });
    await sources.refresh(op, request("a", "apps/a"));
    expect(told).toEqual([["a"]]);
  });

  it("renders another revision without following it", async () => {
    const { repository, sources, told } = world(files);
    const old = repository.commit("main", files);
    const [rendered] = await sources.renderAt(op, request("a", "apps/a"), [old]);
    expect(rendered!.sha).toBe(old);
    repository.commit("main", { ...files, "apps/a/x.yaml": configMap("a", { key: "value" }) });
    repository.arrive();
    await settled();
    expect(told.flat()).toEqual([]);
  });

  it("says why a repository cannot be asked, to the applications that use it, until it can again", async () => {
    const { repository, sources, told } = world(files);
    await sources.follow(op, request("a", "apps/a"));
    sources.polled(repository.url, new DriftlessError("REPOSITORY_UNREACHABLE", "connection refused"));
    expect(told).toEqual([["a"]]);
    expect(sources.problem("a")?.message).toBe("connection refused");
    sources.polled(repository.url, undefined);
    expect(sources.problem("a")).toBeUndefined();
  });
});
