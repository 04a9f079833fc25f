// Holds the documents against the tree: links, dependencies, resources in examples, lists of what there is;
// and all files against what must not stand in any.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { at, isObject, listAt } from "../src/base/json.ts";
import { commands } from "../src/cli/commands.ts";
import { globalFlags } from "../src/cli/global-flags.ts";
import { applicationCrds } from "../src/model/crds.ts";
import { annotation, finalizer } from "../src/model/names.ts";
import type { KubernetesObject } from "../src/model/object.ts";
import { readPlugin } from "../src/render/plugin/commands.ts";
import { customResource } from "../src/sandbox/resources/index.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (file: string): string => readFileSync(join(root, file), "utf8");
/** What git holds or would hold, without what is deleted in the working tree. */
const files = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .stdout.split("\n")
  .filter((file) => file !== "" && existsSync(join(root, file)) && statSync(join(root, file)).isFile());
const documents = files.filter((file) => file.endsWith(".md"));

/** Pictures are made from the running page, at another time than the text. */
const madeLater = (file: string): boolean => file.startsWith("docs/images/");

interface Link {
  readonly from: string;
  readonly target: string;
}

function linksOf(file: string): Link[] {
  const text = read(file)
    .replace(/^```[\s\S]*?^```/gm, "")
    .replace(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({ from: file, target: match[1]! }));
}

function anchorsOf(file: string): ReadonlySet<string> {
  const headings = read(file)
    .replace(/^```[\s\S]*?^```/gm, "")
    .matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map((match) =>
      match[1]!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

function broken({ from, target }: Link): boolean {
  if (/^[a-z]+:/.test(target)) return false;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? from : posix.normalize(posix.join(posix.dirname(from), path));
  if (madeLater(file)) return false;
  if (file.startsWith("..") || !existsSync(join(root, file))) return true;
  return anchor !== undefined && file.endsWith(".md") && !anchorsOf(file).has(anchor);
}

test("every relative link in the documents leads somewhere", () => {
  expect(documents.length).toBeGreaterThan(5);
  expect(documents.flatMap(linksOf).filter(broken)).toEqual([]);
});

test("every document below docs can be reached from docs/README.md", () => {
  const seen = new Set<string>();
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { target } of linksOf(file)) {
      const path = posix.normalize(posix.join(posix.dirname(file), target.split("#")[0] ?? ""));
      if (!/^[a-z]+:/.test(target) && path.endsWith(".md") && documents.includes(path)) follow(path);
    }
  };
  follow("docs/README.md");
  expect(documents.filter((file) => file.startsWith("docs/") && !seen.has(file))).toEqual([]);
});

test("docs/dependencies.md lists the dependencies of package.json, no more and no less", () => {
  const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  const wanted = [...Object.keys(manifest["dependencies"]!), ...Object.keys(manifest["devDependencies"]!)];
  const listed = [...read("docs/dependencies.md").matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!);
  expect(listed.toSorted()).toEqual(wanted.toSorted());
});

interface Example {
  readonly where: string;
  readonly objects: readonly KubernetesObject[];
}

/** The fenced YAML of documents that holds Kubernetes objects, and the repositories in examples/. */
function examplesOf(file: string): Example[] {
  const text = read(file);
  const blocks = file.endsWith(".md")
    ? [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => ({
        line: text.slice(0, match.index).split("\n").length + 1,
        yaml: match[1]!,
      }))
    : [{ line: 1, yaml: text }];
  return blocks.map(({ line, yaml }) => {
    const where = `${file}:${line}`;
    const objects = parseAllDocuments(yaml).map((document) => {
      expect(document.errors, where).toEqual([]);
      return document.toJS() as KubernetesObject;
    });
    return { where, objects: objects.filter((object) => isObject(object) && "apiVersion" in object) };
  });
}

const crds = applicationCrds();
const schemaOf = (kind: string): unknown => {
  const crd = crds.find((each) => at(each, "spec", "names", "kind") === kind);
  return at(listAt(crd, "spec", "versions")[0], "schema", "openAPIV3Schema");
};

/** Empty where the object is a valid Application, AppProject or ApplicationSet, or of another group. */
function mistakesIn(object: KubernetesObject): string[] {
  if (typeof object.kind !== "string" || typeof at(object, "metadata", "name") !== "string")
    return ["it has no kind or no name"];
  if (!object.apiVersion.startsWith("argoproj.io/")) return [];
  if (object.kind === "ConfigManagementPlugin") {
    readPlugin(JSON.stringify(object)); // no resource, but a file of that shape
    return [];
  }
  const definition = crds.flatMap((crd) => customResource(crd)).find((each) => each.kind === object.kind);
  if (!definition) return [`${object.kind} is not one of ours`];
  const unknown = unknownFields(object["spec"], at(schemaOf(object.kind), "properties", "spec"), "spec");
  return [...(definition.validate?.(object) ?? []).map((error) => `${error.field}: ${error.detail}`), ...unknown];
}

/** Fields that the API server would drop without a word: mostly misspelt. */
function unknownFields(value: unknown, schema: unknown, path: string): string[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => unknownFields(item, at(schema, "items"), `${path}[${index}]`));
  const properties = at(schema, "properties");
  if (!isObject(value) || !isObject(properties)) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name in properties ? unknownFields(inner, properties[name], `${path}.${name}`) : [`${path}.${name}: unknown field`],
  );
}

describe("resources in documents and examples", () => {
  const sources = files.filter(
    (file) => file.endsWith(".md") || (file.startsWith("examples/") && file.endsWith(".yaml")),
  );
  const examples = sources
    .flatMap(examplesOf)
    .flatMap(({ where, objects }) => objects.map((object) => ({ where, object })));

  test("there are some", () => {
    expect(examples.length).toBeGreaterThan(10);
  });

  test.each(examples)("are valid: $where $object.kind", ({ object }) => {
    expect(mistakesIn(object)).toEqual([]);
  });

  test("a mistake in one is found", () => {
    const metadata = { name: "a" };
    const app = { apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata };
    const destination = { server: "https://kubernetes.default.svc" };
    expect(mistakesIn({ ...app, spec: { project: "default", destination } })).toEqual([]);
    expect(mistakesIn({ ...app, spec: { destination } })).toHaveLength(1);
    expect(mistakesIn({ ...app, spec: { project: 5, destination } })).toHaveLength(1);
    expect(mistakesIn({ ...app, spec: { project: "default", destination, syncPolicy: { auto: {} } } })).toHaveLength(1);
  });
});

test("no file holds a path of this machine, a private key or a registry's address", () => {
  // A folder such as /src would be found everywhere: only what is deep enough to be this machine's alone counts.
  const own = [root, homedir()].filter((path) => path.split(/[/\\]/).length > 2).map((path) => `${path}/`);
  const texts = files.filter((file) => statSync(join(root, file)).size < 1_000_000 && !file.endsWith(".png"));
  const key = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{200}/;
  const found = texts.filter((file) => own.some((path) => read(file).includes(path)) || key.test(read(file)));
  expect(found).toEqual([]);
  // npm writes the address of each package where it is not told to leave it out (.npmrc).
  expect(read("package-lock.json")).not.toContain('"resolved":');
});

describe("commands in documents", () => {
  const lines = documents.flatMap((file) =>
    [...read(file).matchAll(/^(?:```sh\n[\s\S]*?^```|.*`[^`\n]+`.*)/gm)].flatMap((match) =>
      [...match[0].matchAll(/(?:^|`|bin\/)driftless ([a-z][^`\n|>]*)/gm)].map((found) => ({
        file,
        line: found[1]!.trim(),
      })),
    ),
  );
  const ownFlags = new Set(Object.keys(globalFlags));

  test("there are some", () => {
    expect(lines.length).toBeGreaterThan(5);
  });

  test.each(lines)("are there, with their flags: driftless $line ($file)", async ({ line }) => {
    const words = line.split(/\s+/);
    if (words[0] === "up" || words.includes("…")) return;
    const listed = commands.find(({ path }) => `${words.join(" ")} `.startsWith(`${path} `));
    expect(listed, line).toBeDefined();
    const { flags } = (await listed!.load()).default;
    const used = words.filter((word) => word.startsWith("--")).map((word) => word.slice(2).split("=")[0]!);
    expect(used.filter((name) => !(name in flags) && !ownFlags.has(name) && name !== "help")).toEqual([]);
  });
});

describe("docs/compatibility.md", () => {
  const text = read("docs/compatibility.md");
  const sources = (folder: string): string[] =>
    files.filter((file) => file.startsWith(folder) && file.endsWith(".ts") && !file.endsWith(".test.ts")).map(read);

  /** The paths that a file of the server answers; `${base}` is what the file says it is. */
  const routesOf = (source: string): string[] => {
    const base = /const base = "([^"]+)"/.exec(source)?.[1] ?? "";
    const routes = source.matchAll(/\.(?:get|post|put|patch|delete)\(\s*(?:[`"]([^`"]*\/[^`"]*)[`"]|(base)\b)/g);
    return [...routes].map((match) => (match[2] ? base : match[1]!.replace("${base}", base)));
  };

  test("lists every path of the API", () => {
    const paths = new Set(sources("src/server/").flatMap(routesOf));
    expect(paths.size).toBeGreaterThan(10);
    expect([...paths].filter((path) => path !== "/" && !text.includes(`\`${path}\``))).toEqual([]);
  });

  test("lists every command", () => {
    expect(commands.map(({ path }) => path).filter((path) => !text.includes(`\`${path}\``))).toEqual([]);
  });

  test("names every annotation, finalizer and setting that is known, whether it is acted on or not", () => {
    const names = [...Object.values(annotation), ...Object.values(finalizer)].filter(
      (name) => !name.includes("/hook-finalizer"),
    );
    const settings = [...read("src/model/settings.ts").matchAll(/(?:main|command)\.\w+\("([^"]+)"/g)].map(
      (match) => match[1]!,
    );
    const known = (name: string): boolean => {
      const last = name.slice(name.lastIndexOf("/") + 1);
      return text.includes(name) || text.includes(`\`/${last}\``) || name.startsWith("controller.self.heal.backoff.");
    };
    expect([...names, ...settings].filter((name) => !known(name))).toEqual([]);
  });

  test("names every sync option", () => {
    const options = [...read("src/core/sync/options.ts").matchAll(/^ {2}([A-Z]\w+): "/gm)].map((match) => match[1]!);
    expect(options.length).toBeGreaterThan(8);
    expect(options.filter((name) => !text.includes(name) || !read("docs/guides/sync.md").includes(name))).toEqual([]);
  });
});
