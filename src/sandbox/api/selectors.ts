// Label and field selectors of list and watch requests: parsed once, then matched against many objects. The grammar is
// that of Kubernetes' "Labels and Selectors" and "Field Selectors".
import type { KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition } from "../contract.ts";
import { qualifiedNameProblem } from "./metadata.ts";
import { badRequest } from "./status.ts";

export type Matcher = (object: KubernetesObject) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: "=" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";
  readonly values: readonly string[];
}

const token = /\s*(?:(==|!=|=|,|\(|\)|!|>|<)|([^\s,()=!<>]+))/y;

/** Takes a labelSelector's text; undefined where it selects everything. Errors: BadRequest with the place. */
export function parseLabelSelector(text: string): Matcher | undefined {
  const requirements = parseRequirements(text);
  if (requirements.length === 0) return undefined;
  return (object) => {
    const labels = object.metadata.labels;
    return requirements.every((requirement) => meets(labels?.[requirement.key], requirement));
  };
}

function meets(value: string | undefined, { operator, values }: Requirement): boolean {
  switch (operator) {
    case "=":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case ">":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > Number(values[0]);
    case "<":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < Number(values[0]);
  }
}

class Tokens {
  private readonly items: string[] = [];
  private next = 0;

  constructor(text: string) {
    token.lastIndex = 0;
    let end = 0;
    for (let match = token.exec(text); match !== null; match = token.exec(text)) {
      this.items.push(match[1] ?? match[2] ?? "");
      end = token.lastIndex;
    }
    if (text.slice(end).trim() !== "") this.fail(`found '${text.slice(end).trim()}'`);
  }

  get done(): boolean {
    return this.next >= this.items.length;
  }

  peek(): string {
    return this.items[this.next] ?? "";
  }

  take(): string {
    return this.items[this.next++] ?? "";
  }

  isWord(text: string): boolean {
    return text !== "" && !/^[=!,()<>]/.test(text);
  }

  fail(why: string): never {
    throw badRequest(`unable to parse requirement: ${why}`);
  }
}

function parseRequirements(text: string): Requirement[] {
  const tokens = new Tokens(text);
  const requirements: Requirement[] = [];
  while (!tokens.done) {
    requirements.push(parseRequirement(tokens));
    if (tokens.done) break;
    if (tokens.take() !== ",") tokens.fail("expected: ',' or 'end of string'");
    if (tokens.done) tokens.fail("found '', expected: identifier after ','");
  }
  return requirements;
}

function parseRequirement(tokens: Tokens): Requirement {
  const negated = tokens.peek() === "!";
  if (negated) tokens.take();
  const key = tokens.take();
  if (!tokens.isWord(key)) tokens.fail(`found '${key}', expected: !, identifier, or 'end of string'`);
  const bad = qualifiedNameProblem(key);
  if (bad !== undefined) tokens.fail(`<nil>: Invalid value: ${JSON.stringify(key)}: ${bad}`);
  if (negated) return { key, operator: "!", values: [] };
  const operator = tokens.peek();
  if (operator === "" || operator === ",") return { key, operator: "exists", values: [] };
  tokens.take();
  if (operator === "in" || operator === "notin") return { key, operator, values: parseValues(tokens) };
  if (operator === "=" || operator === "==" || operator === "!=" || operator === ">" || operator === "<") {
    const value = tokens.isWord(tokens.peek()) ? tokens.take() : "";
    return { key, operator: operator === "==" ? "=" : operator, values: [value] };
  }
  return tokens.fail(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
}

function parseValues(tokens: Tokens): string[] {
  const open = tokens.take();
  if (open !== "(") tokens.fail(`found '${open}' expected: '('`);
  const values: string[] = [];
  for (;;) {
    values.push(tokens.isWord(tokens.peek()) ? tokens.take() : "");
    const after = tokens.take();
    if (after === ")") return values;
    if (after !== ",") tokens.fail(`found '${after}', expected: ',' or ')'`);
  }
}

export interface FieldSelector {
  readonly matches: Matcher;
  /** The one name that is asked for, where it is. */
  readonly name?: string;
}

/** Takes a fieldSelector's text; undefined where it selects everything. Errors: BadRequest for unknown fields. */
export function parseFieldSelector(text: string, definition: ResourceDefinition): FieldSelector | undefined {
  if (text === "") return undefined;
  let name: string | undefined;
  const terms = splitTerms(text).map((term) => {
    const match = /^(.*?)(==|!=|=)(.*)$/s.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = "", operator = "", raw = ""] = match;
    const value = raw.replaceAll(/\\([\\,=])/g, "$1");
    const read = fieldReader(field, definition);
    if (field === "metadata.name" && operator !== "!=") name = value;
    return operator === "!="
      ? (object: KubernetesObject) => read(object) !== value
      : (object: KubernetesObject) => read(object) === value;
  });
  const matches: Matcher = (object) => terms.every((term) => term(object));
  return name === undefined ? { matches } : { matches, name };
}

function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^,\\])+/gs)?.filter((term) => term !== "") ?? [];
}

function fieldReader(field: string, definition: ResourceDefinition): (object: KubernetesObject) => string {
  if (field === "metadata.name") return (object) => object.metadata.name ?? "";
  if (field === "metadata.namespace" && definition.namespaced) return (object) => object.metadata.namespace ?? "";
  const read = definition.selectableFields?.[field];
  if (read !== undefined) return read;
  if (definition.custom === true || definition.selectableFields !== undefined) {
    throw badRequest(`field label not supported: ${field}`);
  }
  const known = definition.namespaced ? '"metadata.name", "metadata.namespace"' : '"metadata.name"';
  throw badRequest(`${JSON.stringify(field)} is not a known field selector: only ${known}`);
}
