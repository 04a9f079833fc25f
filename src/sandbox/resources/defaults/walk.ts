// Walks an object along its facts and lets each type's defaults at it, parents before children, as Kubernetes'
// generated defaulters do. Only branches that lead to a type with defaults are walked.
import { isObject } from "#base/json.ts";
import { withField } from "../edit.ts";
import type { Fields } from "../edit.ts";
import { facts, fieldFacts } from "../facts.ts";

export type Defaulter = (value: Fields) => Fields;

interface Step {
  readonly field: string;
  /** Lists ("[") and maps ("{") around the type, outermost first. */
  readonly shape: string;
  readonly type: string;
}

/** Compiles defaulters by type name (without `io.k8s.`); returns one for each root type asked for. */
export function compileDefaults(table: Readonly<Record<string, Defaulter>>): (root: string) => Defaulter | undefined {
  const steps = new Map<string, readonly Step[]>();
  const leads = new Map<string, boolean>();
  const reaches = (type: string): boolean => {
    const known = leads.get(type);
    if (known !== undefined) return known;
    leads.set(type, table[type] !== undefined); // ends recursion
    const found: Step[] = [];
    for (const [field, value] of Object.entries(facts.types[type]?.f ?? {})) {
      const code = fieldFacts(value).t;
      const at = code.indexOf("=");
      if (at >= 0 && reaches(code.slice(at + 1)))
        found.push({ field, shape: code.slice(0, at), type: code.slice(at + 1) });
    }
    steps.set(type, found);
    const result = table[type] !== undefined || found.length > 0;
    leads.set(type, result);
    return result;
  };
  const apply = (type: string, value: Fields): Fields => {
    let current = table[type]?.(value) ?? value;
    for (const step of steps.get(type) ?? []) {
      const child = current[step.field];
      if (child === undefined || child === null) continue;
      current = withField(
        current,
        step.field,
        inShape(child, step.shape, (item) => apply(step.type, item)),
      );
    }
    return current;
  };
  return (root) => (reaches(root) ? (value) => apply(root, value) : undefined);
}

function inShape(value: unknown, shape: string, edit: Defaulter): unknown {
  if (shape === "") return isObject(value) ? edit(value) : value;
  const inner = shape.slice(1);
  if (Array.isArray(value)) {
    let copy: unknown[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const edited = inShape(value[i], inner, edit);
      if (edited !== value[i]) (copy ??= [...(value as unknown[])])[i] = edited;
    }
    return copy ?? value;
  }
  if (!isObject(value)) return value;
  let current: Fields = value;
  for (const key of Object.keys(value)) current = withField(current, key, inShape(value[key], inner, edit));
  return current;
}
