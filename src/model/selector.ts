// Label selectors as kubectl and the API write them: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`. Pure.
// Source: Kubernetes' "Labels and Selectors".
import { DriftlessError } from "#base/errors.ts";

export type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

export interface Selector {
  matches(labels: Labels): boolean;
  /** A label that whatever it matches has with this value, where the selector names one: to look matches up by. */
  readonly needs?: readonly [key: string, value: string];
}

/** Whether labels satisfy a selector. Error: INVALID_ARGUMENT naming the part that cannot be read. */
export function matchesSelector(selector: string, labels: Labels): boolean {
  return parseSelector(selector).matches(labels);
}

/** Reads a selector once for many questions; one without a requirement matches everything. Error: INVALID_ARGUMENT. */
export function parseSelector(selector: string): Selector {
  const parts = selector.trim() === "" ? [] : partsOf(selector);
  const requirements = parts.map((part) => requirement(part));
  const equality = parts
    .map((part) => /^([^\s!=()<>]+)\s*==?\s*([^\s!=()<>]+)$/.exec(part))
    .find((found) => found !== null);
  return {
    matches: (labels) => requirements.every((asked) => asked(labels)),
    ...(equality ? { needs: [equality[1] ?? "", equality[2] ?? ""] as const } : {}),
  };
}

/** What stands between commas that are not in brackets. */
function partsOf(selector: string): readonly string[] {
  const parts: string[] = [];
  let from = 0;
  let inside = false;
  for (let at = 0; at < selector.length; at++) {
    const character = selector[at];
    if (character === "(" || character === ")") {
      if (inside === (character === "(")) throw unreadable(selector);
      inside = character === "(";
    } else if (character === "," && !inside) {
      parts.push(selector.slice(from, at).trim());
      from = at + 1;
    }
  }
  if (inside) throw unreadable(selector);
  return [...parts, selector.slice(from).trim()];
}

function requirement(part: string): Requirement {
  const sets = /^([^\s!=()<>]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part);
  if (sets) {
    const [, key = "", operator, list = ""] = sets;
    const values = new Set(list.split(",").map((value) => value.trim()));
    const isIn: Requirement = (labels) => values.has(valueOf(labels, key) ?? "\n");
    return operator === "in" ? isIn : (labels) => !isIn(labels);
  }
  const compared = /^([^\s!=()<>]+)\s*(==|=|!=|<|>)\s*([^\s!=()<>]*)$/.exec(part);
  if (compared) {
    const [, key = "", operator = "", value = ""] = compared;
    if (operator === "!=") return (labels) => valueOf(labels, key) !== value;
    if (operator.startsWith("=")) return (labels) => valueOf(labels, key) === value;
    if (!/^-?\d{1,15}$/.test(value)) throw unreadable(part);
    const sign = operator === ">" ? 1 : -1;
    return (labels) => {
      const text = valueOf(labels, key);
      return text !== undefined && /^-?\d{1,15}$/.test(text) && sign * (Number(text) - Number(value)) > 0;
    };
  }
  const exists = /^(!?)\s*([^\s!=()<>]+)$/.exec(part);
  if (!exists) throw unreadable(part);
  const [, not, key = ""] = exists;
  return (labels) => (valueOf(labels, key) === undefined) === (not === "!");
}

/** Never what every object has. */
function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function unreadable(part: string): DriftlessError {
  const shown = part.length > 100 ? `${part.slice(0, 100)}…` : part;
  return new DriftlessError("INVALID_ARGUMENT", `cannot read "${shown}" in the selector`, {
    details: { field: "selector" },
  });
}
