// Holds the list of behaviours against the cases of the pure core: each behaviour has one, and there are
// many.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const tools = dirname(fileURLToPath(import.meta.url));
const core = join(dirname(tools), "src", "core");

interface Case {
  /** `folder/file: name` */
  readonly id: string;
  readonly file: string;
}

/** The case files of the core, and of each what it holds. */
function casesIn(): readonly Case[] {
  return readdirSync(core, { recursive: true, encoding: "utf8" })
    .filter((file) => /(^|\/)cases\/.*\.yaml$/.test(file.replaceAll("\\", "/")))
    .flatMap((file) => {
      const name = file
        .replaceAll("\\", "/")
        .replace("/cases/", "/")
        .replace(/\.yaml$/, "");
      const held = parse(readFileSync(join(core, file), "utf8")) as unknown;
      return namesOf(held).map((title) => ({ id: `${name}: ${title}`, file: name }));
    });
}

/** A case is a map with a name (or the type that it is about), or a list that begins with its name. */
function namesOf(held: unknown): readonly string[] {
  if (typeof held !== "object" || held === null) return [];
  if (!Array.isArray(held)) return Object.values(held).flatMap(namesOf);
  return held.flatMap((entry: unknown) => {
    if (Array.isArray(entry)) return typeof entry[0] === "string" ? [entry[0]] : [];
    const { name, type } = (entry ?? {}) as { readonly name?: unknown; readonly type?: unknown };
    return [name ?? type].filter((title) => typeof title === "string");
  });
}

const cases = casesIn();
const behaviours = parse(readFileSync(join(tools, "behaviours.yaml"), "utf8")) as Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
>;

test("the core has at least 400 cases, in each of its folders", () => {
  expect(cases.length).toBeGreaterThan(400);
  const folders = new Set(cases.map(({ file }) => file.split("/")[0]));
  for (const folder of ["actions", "compare", "depend", "health", "merge", "policy", "sync", "waits"])
    expect(folders).toContain(folder);
});

describe.each(Object.entries(behaviours))("%s", (_, list) => {
  const known = new Set(cases.map(({ id }) => id));
  test.each(Object.entries(list))("%s", (_name, shownBy) => {
    expect(shownBy.length).toBeGreaterThan(0);
    expect(shownBy.filter((id) => !known.has(id))).toEqual([]);
  });
});
