// Label selectors as kubectl and the API write them: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Pure.
import { DriftlessError } from "#base/errors.ts";

type Requirement = (labels: Readonly<Record<string, string>>) => boolean;

/** Whether labels satisfy a selector. Error: INVALID_ARGUMENT naming the part that cannot be read. */
export function matchesSelector(selector: string, labels: Readonly<Record<string, string>>): boolean {
  return parse(selector).every((requirement) => requirement(labels));
}

function parse(selector: string): Requirement[] {
  const parts = selector.match(/(?:[^,(]|\([^)]*\))+/g) ?? [];
  return parts.map((part) => requirement(part.trim())).filter((found) => found !== undefined);
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
