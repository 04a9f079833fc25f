// Label selectors as kubectl and the API write them: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Pure.
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
  const parts = (selector.match(/(?:[^,(]|\([^)]*\))+/g) ?? []).map((part) => part.trim());
  const requirements = parts.map((part) => requirement(part)).filter((found) => found !== undefined);
  const equality = parts
    .map((part) => /^([^\s!=()]+)\s*==?\s*([^\s!=()]+)$/.exec(part))
    .find((found) => found !== null);
  return {
    matches: (labels) => requirements.every((asked) => asked(labels)),
    ...(equality ? { needs: [equality[1] ?? "", equality[2] ?? ""] as const } : {}),
  };
}

function requirement(part: string): Requirement | undefined {
  if (part === "") return undefined;
  const sets = /^([^\s!=()]+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(part);
  if (sets) {
    const [, key = "", operator, list = ""] = sets;
    const values = list.split(",").map((value) => value.trim());
    const isIn: Requirement = (labels) => labels[key] !== undefined && values.includes(labels[key]);
    return operator === "in" ? isIn : (labels) => !isIn(labels);
  }
  const equals = /^([^\s!=()]+)\s*(==|=|!=)\s*([^\s!=()]*)$/.exec(part);
  if (equals) {
    const [, key = "", operator, value = ""] = equals;
    return operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const exists = /^(!?)\s*([^\s!=()]+)$/.exec(part);
  if (exists) {
    const [, not, key = ""] = exists;
    return not ? (labels) => labels[key] === undefined : (labels) => labels[key] !== undefined;
  }
  throw new DriftlessError("INVALID_ARGUMENT", `cannot read "${part}" in the selector`, {
    details: { field: "selector" },
  });
}
