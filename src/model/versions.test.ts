import { describe, expect, it } from "vitest";
import { bestVersion, isExactVersion, newestFirst, parseConstraint, parseVersion } from "./versions.ts";

const accepts: Readonly<Record<string, { yes: readonly string[]; no: readonly string[] }>> = {
  "1.2.3": { yes: ["1.2.3", "v1.2.3", "1.2.3+build"], no: ["1.2.4", "1.2.3-rc.1"] },
  "=1.2.3": { yes: ["1.2.3"], no: ["1.2.2"] },
  "1.2": { yes: ["1.2.0", "1.2.9"], no: ["1.3.0", "1.1.9", "1.2.3-rc1"] },
  "1": { yes: ["1.0.0", "1.9.9"], no: ["2.0.0", "0.9.0"] },
  "1.x": { yes: ["1.0.0", "1.9.9"], no: ["2.0.0"] },
  "v1.*": { yes: ["1.4.0"], no: ["2.0.0"] },
  "*": { yes: ["0.0.1", "99.0.0"], no: ["1.0.0-alpha"] },
  "*-0": { yes: ["1.0.0-alpha", "1.0.0"], no: [] },
  "": { yes: ["0.0.1", "3.0.0"], no: ["1.0.0-alpha"] },
  "^1.2.3": { yes: ["1.2.3", "1.9.0"], no: ["2.0.0", "1.2.2"] },
  "^0.2.3": { yes: ["0.2.3", "0.2.9"], no: ["0.3.0", "1.0.0"] },
  "^0.0.3": { yes: ["0.0.3"], no: ["0.0.4", "0.1.0"] },
  "^0": { yes: ["0.0.1", "0.9.0"], no: ["1.0.0"] },
  "^1.2.x": { yes: ["1.2.0", "1.5.0"], no: ["2.0.0"] },
  "~1.2.3": { yes: ["1.2.3", "1.2.9"], no: ["1.3.0", "1.2.2"] },
  "~1": { yes: ["1.0.0", "1.9.9"], no: ["2.0.0"] },
  "~>1.2": { yes: ["1.2.0", "1.2.9"], no: ["1.3.0"] },
  "~0.0.0": { yes: ["0.0.0", "5.0.0"], no: [] },
  ">=1.0, <2.0": { yes: ["1.0.0", "1.9.9"], no: ["2.0.0", "0.9.9"] },
  ">=1.0 <2.0": { yes: ["1.0.0", "1.9.9"], no: ["2.0.0"] },
  ">1": { yes: ["2.0.0"], no: ["1.9.9", "1.0.0"] },
  ">1.2": { yes: ["1.3.0"], no: ["1.2.9"] },
  ">1.2.3": { yes: ["1.2.4"], no: ["1.2.3"] },
  "<=1": { yes: ["1.9.9", "0.1.0"], no: ["2.0.0"] },
  "=<1.2": { yes: ["1.2.9"], no: ["1.3.0"] },
  "<1.2": { yes: ["1.1.9"], no: ["1.2.0"] },
  "!=1.2.3": { yes: ["1.2.4"], no: ["1.2.3"] },
  "!=1.2.x": { yes: ["1.3.0"], no: ["1.2.7"] },
  "1.2 - 1.4.5": { yes: ["1.2.0", "1.4.5"], no: ["1.4.6", "1.1.0"] },
  "1.x || >=3.0.0": { yes: ["1.5.0", "3.1.0"], no: ["2.0.0"] },
  ">=1.0.0-0": { yes: ["1.0.0-beta", "2.0.0-rc.1"], no: ["0.9.0"] },
  ">=1.0.0-0 <1.5.0": { yes: ["1.4.0-rc.1"], no: ["1.5.0"] },
  "~1.2.3-beta.2": { yes: ["1.2.3-beta.4", "1.2.3"], no: ["1.2.3-beta.1"] },
};

describe("constraints", () => {
  it.each(Object.entries(accepts))("%j", (text, { yes, no }) => {
    const check = parseConstraint(text)!;
    expect(check).toBeDefined();
    const kept = [...yes, ...no].filter((version) => check(parseVersion(version)!));
    expect(kept).toEqual(yes);
  });

  it.each(["main", "latest", ">=", "1.2.3.4", "^a", "1.2.3 foo", "release-1.2", ">1 | <2"])("%j is none", (text) =>
    expect(parseConstraint(text)).toBeUndefined(),
  );
});

describe("the version that a revision means", () => {
  const versions = ["0.7.1", "0.5.4", "0.7.2", "1.0.0-rc.1", "v2.0.0", "2024.03-LTS-RC19", "latest"];
  it.each([
    ["> 0.5.3, < 1", "0.7.2"],
    ["0.7.*", "0.7.2"],
    ["*", "v2.0.0"],
    ["2.0.0", "v2.0.0"],
    ["latest", "latest"],
    ["2024.03-LTS-RC19", "2024.03-LTS-RC19"],
    ["9.x", undefined],
    ["1.0.0", undefined],
  ])("%j is %j", (revision, expected) => expect(bestVersion(revision, versions)).toBe(expected));

  it("tells whole versions from parts and ranges", () => {
    expect(["1.2.3", "v1.2.3-rc.1+b", "1.2", "^1.2.3", "1.2.x", "main"].map(isExactVersion)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it("lists the newest first, and what is no version last", () => {
    expect(newestFirst(["1.2.0", "nightly", "v1.10.0", "1.10.0-rc.1"])).toEqual([
      "v1.10.0",
      "1.10.0-rc.1",
      "1.2.0",
      "nightly",
    ]);
  });
});
