import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { catalogue } from "../src/base/errors.ts";
import { errorsFile, errorsText } from "./docs-errors.ts";

test("docs/errors.md is what the catalogue says (else: npm run docs:errors)", () => {
  expect(readFileSync(errorsFile, "utf8")).toBe(errorsText());
});

test("every code of the catalogue is thrown somewhere in src", () => {
  const root = new URL("../", import.meta.url);
  const texts = globSync("src/**/*.ts", { cwd: root })
    .filter((file) => !file.endsWith(".test.ts") && !file.endsWith("base/errors.ts"))
    .map((file) => readFileSync(new URL(file, root), "utf8"))
    .join("\n");
  expect(Object.keys(catalogue).filter((code) => !texts.includes(`"${code}"`))).toEqual([]);
});
