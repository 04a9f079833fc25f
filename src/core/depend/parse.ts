// Reads the annotation `driftless.dev/depends-on`: which applications have to be ready first. Pure.
// `db, cache` names applications of the same namespace, `other/db` one of another, `selector: tier=db,env=prod` all of the
// same namespace with these labels. Entries are separated by commas or semicolons; a selector, which holds commas itself,
// goes on to the next semicolon.
import { toError } from "#base/errors.ts";
import { parseSelector, type Selector } from "#model/selector.ts";

export interface DependsOn {
  /** `namespace/name` of the applications that are named, each once. */
  readonly names: readonly string[];
  readonly selectors: readonly { readonly text: string; readonly selector: Selector }[];
  /** What cannot be read, for people. */
  readonly problems: readonly string[];
}

const nothing: DependsOn = { names: [], selectors: [], problems: [] };
const segment = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const prefix = /^selector:/;

/** Takes the annotation's text and the namespace of the application that carries it. Never throws. */
export function parseDependsOn(text: string | undefined, namespace: string): DependsOn {
  if (text === undefined || text.trim() === "") return nothing;
  const names = new Set<string>();
  const selectors = new Map<string, Selector>();
  const problems: string[] = [];
  for (const part of text.split(/[;\n]/)) {
    const entries = part.split(",").map((entry) => entry.trim());
    const start = entries.findIndex((entry) => prefix.test(entry));
    for (const entry of start < 0 ? entries : entries.slice(0, start)) {
      if (entry === "") continue;
      const key = keyOf(entry, namespace);
      if (key === undefined)
        problems.push(`"${entry}" is no application's name: NAME, NAMESPACE/NAME or selector:LABELS`);
      else names.add(key);
    }
    if (start < 0) continue;
    const written = entries.slice(start).join(",").replace(prefix, "").trim();
    if (written === "") problems.push("a selector needs labels: selector:KEY=VALUE");
    else {
      try {
        selectors.set(written, parseSelector(written));
      } catch (thrown) {
        problems.push(toError(thrown).message);
      }
    }
  }
  return {
    names: [...names],
    selectors: [...selectors].map(([written, selector]) => ({ text: written, selector })),
    problems,
  };
}

function keyOf(entry: string, namespace: string): string | undefined {
  const parts = entry.split("/");
  if (parts.length > 2 || !parts.every((part) => segment.test(part))) return undefined;
  return parts.length === 2 ? entry : `${namespace}/${entry}`;
}
