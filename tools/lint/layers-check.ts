// Holds the source tree against the table in layers.ts: reads every import (types included) and reports each that
// the table does not allow. Pure functions over (path, text), so that the spec can prove that a forbidden import fails.
import { posix } from "node:path";
import type { Layer } from "./layers.ts";

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  readonly why: string;
}

const importPattern =
  /(?:^|[\s;])(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*[,)]/g;

/** Takes a file's text; returns each module specifier that it imports or re-exports, with its 1-based line. */
export function importsOf(text: string): { specifier: string; line: number }[] {
  const found: { specifier: string; line: number }[] = [];
  for (const match of text.matchAll(importPattern)) {
    const specifier = match[1] ?? match[2];
    if (specifier === undefined) continue;
    const offset = match.index + match[0].indexOf(specifier);
    found.push({ specifier, line: text.slice(0, offset).split("\n").length });
  }
  return found;
}

/** Takes a repository-relative path; returns the layer that it belongs to: the longest folder that contains it. */
export function layerOf(file: string, layers: readonly Layer[]): Layer | undefined {
  return layers
    .filter((layer) => file.startsWith(`${layer.folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
}

/** Takes an import specifier as written in `file`; returns the repository-relative path, or undefined for packages. */
export function resolveSpecifier(file: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) {
    const [name, ...rest] = specifier.slice(1).split("/");
    return posix.join(name === "test" ? "test" : `src/${name}`, ...rest);
  }
  if (specifier.startsWith(".")) return posix.join(posix.dirname(file), specifier);
  return undefined;
}

/** Takes a file and the table; returns every import in it that the table forbids. Tests may use node: modules. */
export function violationsIn(file: string, text: string, layers: readonly Layer[]): Violation[] {
  const layer = layerOf(file, layers);
  if (!layer) return file.startsWith("src/") ? [{ file, line: 1, specifier: "", why: "stands in no layer" }] : [];
  const isTest = /\.test\.tsx?$/.test(file) || file.includes("/testing/");
  const violations: Violation[] = [];
  for (const { specifier, line } of importsOf(text)) {
    if (layer.pure && !isTest && (specifier.startsWith("node:") || specifier === "undici")) {
      violations.push({ file, line, specifier, why: `${layer.folder} is pure: no I/O, no Node` });
    }
    const target = resolveSpecifier(file, specifier);
    if (target === undefined) continue;
    const allowed = [layer.folder, ...layer.may, ...(isTest ? ["test"] : [])];
    if (!allowed.some((folder) => target === folder || target.startsWith(`${folder}/`))) {
      violations.push({
        file,
        line,
        specifier,
        why: `${layer.folder} may import only: ${layer.may.join(", ") || "nothing"}`,
      });
    }
  }
  return violations;
}
