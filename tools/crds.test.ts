import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { crdFiles } from "./crds.ts";

const folder = new URL("../install/crds/", import.meta.url);

test("install/crds holds exactly the CRDs of src/model/crds.ts (else: node tools/crds.ts)", () => {
  const files = crdFiles();
  expect(readdirSync(folder).sort()).toEqual(files.map((file) => file.name).sort());
  for (const { name, text } of files) expect(readFileSync(new URL(name, folder), "utf8"), name).toBe(text);
});
