import { readFileSync } from "node:fs";
import { globSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { importsOf, violationsIn } from "./layers-check.ts";
import { layers } from "./layers.ts";

describe("layers", () => {
  it("refuses an import upwards, types included", () => {
    const text = `import type { Plan } from "#core/sync/plan.ts";\n`;
    expect(violationsIn("src/base/json.ts", text, layers)).toHaveLength(1);
  });
  it("refuses an import between siblings of core", () => {
    expect(violationsIn("src/core/sync/plan.ts", `import { health } from "../health/health.ts";`, layers)).toHaveLength(
      1,
    );
  });
  it("refuses Node in a pure layer, also when imported for its side effects or dynamically", () => {
    expect(violationsIn("src/core/sync/plan.ts", `import "node:fs";`, layers)).toHaveLength(1);
    expect(violationsIn("src/core/sync/plan.ts", `const x = await import("node:fs");`, layers)).toHaveLength(1);
  });
  it("refuses a re-export of a forbidden module", () => {
    expect(violationsIn("src/model/object.ts", `export * from "#kube/client.ts";`, layers)).toHaveLength(1);
  });
  it("allows what the table lists", () => {
    expect(
      violationsIn("src/core/compare/compare.ts", `import { x } from "#core/merge/strategic.ts";`, layers),
    ).toEqual([]);
  });
  it("reads imports that span lines", () => {
    expect(importsOf(`import {\n  a,\n  b,\n} from "./x.ts";`)).toEqual([{ specifier: "./x.ts", line: 4 }]);
  });
  it("finds no violation in this tree", () => {
    const files = globSync("{src,ui,tools,test,bench,sim}/**/*.{ts,tsx}", { exclude: ["**/node_modules/**"] });
    const found = files
      .flatMap((file) => violationsIn(file, readFileSync(file, "utf8"), layers))
      .filter((v) => !v.file.startsWith("tools/lint/"));
    expect(found).toEqual([]);
  });
});
