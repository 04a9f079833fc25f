import { describe, expect, test } from "vitest";
import type { Application } from "#model/application.ts";
import { revisionQuery } from "./source-choice.ts";

const app = (spec: object): Application => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "a" },
  spec: { project: "default", destination: {}, ...spec },
});
const one = app({ source: { repoURL: "r" } });
const two = app({ sources: [{ repoURL: "r" }, { repoURL: "s", name: "values" }] });
const none = { revision: "", revisions: [], "source-positions": [], "source-names": [] };

describe("revisions of an application's sources", () => {
  test.each<[what: string, of: Application, flags: object, query: object | undefined]>([
    ["nothing asked", one, {}, undefined],
    ["one", one, { revision: "v1" }, { revision: "v1" }],
    ["by position", two, { revisions: ["v1"], "source-positions": [2] }, { revisions: ["v1"], sourcePositions: [2] }],
    ["by name", two, { revisions: ["v1"], "source-names": ["values"] }, { revisions: ["v1"], sourcePositions: [2] }],
  ])("%s", (_what, of, flags, query) => {
    expect(revisionQuery(of, { ...none, ...flags })).toEqual(query);
  });

  test.each<[what: string, of: Application, flags: object, says: RegExp]>([
    ["one revision of several sources", two, { revision: "v1" }, /--revisions with --source-positions/],
    ["several of one source", one, { revisions: ["v1"], "source-positions": [1] }, /one source: use --revision/],
    ["too few positions", two, { revisions: ["v1"] }, /as many --source-positions/],
    ["positions and names", two, { "source-positions": [1], "source-names": ["values"] }, /only one of/],
    ["a position past the end", two, { revisions: ["v1"], "source-positions": [3] }, /has 2 sources/],
    ["position 0", two, { revisions: ["v1"], "source-positions": [0] }, /counted from 1/],
    ["an unknown name", two, { revisions: ["v1"], "source-names": ["x"] }, /no source named "x"/],
  ])("%s is refused", (_what, of, flags, says) => {
    expect(() => revisionQuery(of, { ...none, ...flags })).toThrow(says);
  });
});
