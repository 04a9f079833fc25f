// The JSONPath subset of printer columns, scale and selectable fields: `.a.b`, `['a.b']`, `[0]`, `[*]`, and
// `[?(@.type=="Ready")]`. Source: Kubernetes' "Additional printer columns" and "JSONPath Support".
import { isObject } from "#base/json.ts";

type Step =
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "all" }
  | { readonly kind: "filter"; readonly path: readonly Step[]; readonly equal: boolean; readonly value: string };

const token =
  /^\.?(?:\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]|\[(-?\d+)\]|\[(\*)\]|\[\?\(@([^=!]+?)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)"|([^)\s]+))\)\]|\.((?:[^.[\]\\]|\\.)+))/;

/** Takes a path with or without its first dot and braces; undefined where it is outside the subset. */
export function parseJsonPath(text: string): readonly Step[] | undefined {
  const bare = text
    .trim()
    .replace(/^\{(.*)\}$/, "$1")
    .replace(/^\$/, "");
  const source = bare.startsWith(".") || bare.startsWith("[") ? bare : `.${bare}`;
  const steps: Step[] = [];
  let rest = source;
  while (rest !== "") {
    const match = token.exec(rest);
    if (match === null) return undefined;
    rest = rest.slice(match[0].length);
    const [, single, double, index, all, filterPath, operator, quoted, doubleQuoted, plain, field] = match;
    const name = single ?? double ?? field;
    if (name === "*" || all !== undefined) steps.push({ kind: "all" });
    else if (name !== undefined) steps.push({ kind: "field", name: name.replace(/\\(.)/g, "$1") });
    else if (index !== undefined) steps.push({ kind: "index", index: Number(index) });
    else {
      const path = parseJsonPath(filterPath ?? "");
      if (path === undefined) return undefined;
      steps.push({ kind: "filter", path, equal: operator === "==", value: quoted ?? doubleQuoted ?? plain ?? "" });
    }
  }
  return steps;
}

/** Every value that the path finds, in order. */
export function find(value: unknown, steps: readonly Step[]): readonly unknown[] {
  let current: readonly unknown[] = [value];
  for (const step of steps) current = current.flatMap((item) => one(item, step));
  return current;
}

function one(value: unknown, step: Step): readonly unknown[] {
  switch (step.kind) {
    case "field":
      return isObject(value) && value[step.name] !== undefined && value[step.name] !== null ? [value[step.name]] : [];
    case "index":
      return Array.isArray(value) && value.at(step.index) !== undefined ? [value.at(step.index) as unknown] : [];
    case "all":
      return Array.isArray(value) ? (value as unknown[]) : isObject(value) ? Object.values(value) : [];
    default:
      return Array.isArray(value) ? value.filter((item) => matches(item, step)) : [];
  }
}

function matches(item: unknown, filter: Extract<Step, { kind: "filter" }>): boolean {
  const found = find(item, filter.path);
  return found.length > 0 && (shown(found[0]) === filter.value) === filter.equal;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The first value at a path as text; "" where there is none. */
export function textAt(value: unknown, path: string): string {
  const steps = parseJsonPath(path);
  const [first] = steps === undefined ? [] : find(value, steps);
  return first === undefined ? "" : shown(first);
}
