// Plugins that are commands of this machine: what `ConfigManagementPlugin` files in a folder say, run on a copy of the
// source's files in a temporary folder. Off unless such a folder is configured: who may write there may run programs.
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseYaml } from "#base/yaml.ts";
import { DriftlessError } from "#base/errors.ts";
import { at, isObject, listAt, stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { Fields } from "../fields.ts";
import { compilePathGlob } from "../glob.ts";
import { runCommand, type CommandLimits } from "./run.ts";
import type { ParameterAnnouncement, Plugin, PluginFile, PluginRequest, Plugins } from "./types.ts";
import { tellable } from "./words.ts";

export interface CommandPluginOptions {
  /** The folder of the files `*.yaml`, each one ConfigManagementPlugin. */
  readonly dir: string;
  /** The commands' PATH. */
  readonly path: string;
  readonly limits?: CommandLimits;
  /** Told of files that cannot be used, once each. */
  problem(file: string, why: string): void;
}

interface PluginSpec {
  readonly name: string;
  readonly init: readonly string[];
  readonly generate: readonly string[];
  readonly fileName: string | undefined;
  readonly glob: string | undefined;
  readonly find: readonly string[];
  readonly dynamic: readonly string[];
  readonly static: readonly ParameterAnnouncement[];
  readonly preserveFileMode: boolean;
}

/** Reads the folder anew whenever somebody asks: a mounted ConfigMap changes under us. */
export function commandPlugins(options: CommandPluginOptions): Plugins {
  const told = new Set<string>();
  return {
    async list() {
      const names = await readdir(options.dir).catch((error: unknown) => {
        const why = (error as Error).message;
        if (!told.has(why)) options.problem(options.dir, why);
        told.add(why);
        return [];
      });
      const plugins: Plugin[] = [];
      for (const file of names.sort(byName)) {
        if (!/\.ya?ml$/.test(file)) continue;
        const path = join(options.dir, file);
        const text = await readFile(path, "utf8").catch(() => "");
        try {
          plugins.push(new CommandPlugin(readPlugin(text), createHash("sha256").update(text).digest("hex"), options));
        } catch (error) {
          if (!told.has(`${path} ${text}`)) options.problem(path, (error as Error).message);
          told.add(`${path} ${text}`);
        }
      }
      return plugins;
    },
    async close() {},
  };
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Takes the text of one ConfigManagementPlugin. Error: SPEC_INVALID. */
export function readPlugin(text: string): PluginSpec {
  const document: unknown = parseYaml(text);
  if (!isObject(document) || document["kind"] !== "ConfigManagementPlugin")
    throw new DriftlessError("SPEC_INVALID", "is not of the kind ConfigManagementPlugin");
  const command = (...path: string[]): readonly string[] => [
    ...listAt(document, "spec", ...path, "command").map(String),
    ...listAt(document, "spec", ...path, "args").map(String),
  ];
  const name = stringAt(document, "metadata", "name") ?? "";
  const version = stringAt(document, "spec", "version");
  if (name === "") throw new DriftlessError("SPEC_INVALID", "metadata.name is missing");
  const generate = command("generate");
  if (generate.length === 0) throw new DriftlessError("SPEC_INVALID", "spec.generate.command is missing");
  return {
    name: version ? `${name}-${version}` : name,
    init: command("init"),
    generate,
    fileName: stringAt(document, "spec", "discover", "fileName") || undefined,
    glob: stringAt(document, "spec", "discover", "find", "glob") || undefined,
    find: command("discover", "find"),
    dynamic: command("parameters", "dynamic"),
    static: listAt(document, "spec", "parameters", "static").map(announcement),
    preserveFileMode: at(document, "spec", "preserveFileMode") === true,
  };
}

function announcement(value: unknown): ParameterAnnouncement {
  const one = isObject(value) ? value : {};
  const text = (name: string): string => stringAt(one, name) ?? "";
  const map = one["map"];
  return {
    name: text("name"),
    title: text("title"),
    tooltip: text("tooltip"),
    required: one["required"] === true,
    itemType: text("itemType"),
    collectionType: text("collectionType"),
    string: text("string"),
    array: listAt(one, "array").map(String),
    map: isObject(map) ? new Fields({ map }, "spec.parameters").map("map") : {},
  };
}

class CommandPlugin implements Plugin {
  readonly name: string;
  readonly identity: string;
  private readonly spec: PluginSpec;
  private readonly options: CommandPluginOptions;

  constructor(spec: PluginSpec, identity: string, options: CommandPluginOptions) {
    this.name = spec.name;
    this.identity = `command ${identity}`;
    this.spec = spec;
    this.options = options;
  }

  async discovers(): Promise<boolean> {
    const { fileName, glob, find } = this.spec;
    return fileName !== undefined || glob !== undefined || find.length > 0;
  }

  /** The first that is configured decides: a file's name, a glob, a command that prints something. */
  async matches(op: Operation, request: PluginRequest): Promise<boolean> {
    const { fileName, glob, find } = this.spec;
    const pattern = (fileName ?? glob)?.replace(/^(?:\.?\/)+/, "");
    if (pattern !== undefined) {
      const accepts = compilePathGlob(pattern, "spec.discover");
      const start = request.folder === "" ? "" : `${request.folder}/`;
      return (await request.files()).some(({ path }) => path.startsWith(start) && accepts(path.slice(start.length)));
    }
    if (find.length === 0) return false;
    return this.inCopy(op, request, async (run) => (await run(find)).trim() !== "");
  }

  generate(op: Operation, request: PluginRequest): Promise<readonly string[]> {
    return this.inCopy(op, request, async (run) => {
      if (this.spec.init.length > 0) await run(this.spec.init);
      return [await run(this.spec.generate)];
    });
  }

  async parameters(op: Operation, request: PluginRequest): Promise<readonly ParameterAnnouncement[]> {
    const { dynamic } = this.spec;
    if (dynamic.length === 0) return this.spec.static;
    const text = await this.inCopy(op, request, (run) => run(dynamic));
    const list: unknown = parseYaml(text);
    // The static ones come last: they take precedence.
    return [...(Array.isArray(list) ? list.map(announcement) : []), ...this.spec.static];
  }

  private async inCopy<T>(
    op: Operation,
    request: PluginRequest,
    work: (run: (command: readonly string[]) => Promise<string>) => Promise<T>,
  ): Promise<T> {
    const files = await request.files();
    const dir = await mkdtemp(join(tmpdir(), "driftless-plugin-"));
    try {
      const root = join(dir, "source");
      const home = join(dir, "home");
      await mkdir(home, { mode: 0o700 });
      await writeFiles(root, files, this.spec.preserveFileMode);
      return await work(async (command) => {
        const environment = { ...request.environment, PATH: this.options.path, HOME: home, TMPDIR: home };
        const cwd = join(root, request.folder);
        const outcome = await runCommand(op, { command, cwd, environment, limits: this.options.limits ?? {} });
        if (outcome.problem === undefined) return outcome.stdout;
        const said = tellable(outcome.stderr, request.environment);
        throw new DriftlessError(
          outcome.problem.code,
          `the plugin ${this.name}: ${command[0] ?? ""} ${outcome.problem.why}${said === "" ? "" : `: ${said}`}`,
          { details: { field: "spec.source.plugin" } },
        );
      });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}

async function writeFiles(root: string, files: readonly PluginFile[], preserveMode: boolean): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  // Links last: nothing is written through one.
  for (const { path, executable, content } of files) {
    if (!(content instanceof Uint8Array)) continue;
    const name = join(root, path);
    await mkdir(dirname(name), { recursive: true, mode: 0o700 });
    await writeFile(name, content, { mode: 0o600 });
    if (executable && preserveMode) await chmod(name, 0o700);
  }
  for (const { path, content } of files) {
    if (content instanceof Uint8Array) continue;
    const name = join(root, path);
    await mkdir(dirname(name), { recursive: true, mode: 0o700 });
    await symlink(content.symlink, name);
  }
}
