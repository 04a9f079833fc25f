// Walks an object along its facts and lets each type's defaults at it, parents before children, as Kubernetes'
// generated defaulters do. What the API server's own types write even when empty is written too, as the facts'
// defaults tell: nested structs (`status: {}`), numbers (`replicas: 0`), texts; and quantities in canonical form.
import { isObject } from "#base/json.ts";
import { canonicalQuantity } from "#core/merge/quantity.ts";
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

interface Plan {
  /** What an absent field becomes. */
  readonly empty: Fields;
  readonly steps: readonly Step[];
}

const quantity = "apimachinery.pkg.api.resource.Quantity";
/** Defaults of the facts that the server does not write: the zero value says the same. */
const unwritten = new Set(["api.core.v1.ReplicationControllerSpec.minReadySeconds"]);
/** Metadata is the API's; its times and lists are not touched here. */
const objectMeta = "apimachinery.pkg.apis.meta.v1.ObjectMeta";
const nothing: Plan = { empty: {}, steps: [] };

/** Fields that are those of `stored`, the object before an update, have their defaults already. */
export type RootDefaulter = (value: Fields, stored: Fields | undefined) => Fields;

/** Compiles defaulters by type name (without `io.k8s.`); returns one for each root type asked for. */
export function compileDefaults(table: Readonly<Record<string, Defaulter>>): (root: string) => RootDefaulter {
  const plans = new Map<string, Plan>();
  const planOf = (type: string): Plan => {
    const known = plans.get(type);
    if (known !== undefined) return known;
    const made = type === objectMeta ? nothing : makePlan(type);
    plans.set(type, made);
    return made;
  };
  const apply = (type: string, value: Fields, stored?: Fields): Fields => {
    const plan = planOf(type);
    let current = table[type]?.(value) ?? value;
    for (const field in plan.empty) {
      if (current[field] === undefined) current = { ...current, [field]: plan.empty[field] };
    }
    for (const step of plan.steps) {
      const child = current[step.field];
      if (child === undefined || child === null || child === stored?.[step.field]) continue;
      current = withField(
        current,
        step.field,
        inShape(child, step.shape, (item) => applied(step.type, item)),
      );
    }
    return current;
  };
  const applied = (type: string, value: unknown): unknown => {
    if (type === quantity) return canonical(value);
    return isObject(value) ? apply(type, value) : value;
  };
  return (root) => (value, stored) => apply(root, value, stored);
}

function makePlan(type: string): Plan {
  const fields = facts.types[type]?.f ?? {};
  const empty: Record<string, unknown> = {};
  const steps: Step[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const found = fieldFacts(field);
    if (found.d !== undefined && !unwritten.has(`${type}.${name}`)) empty[name] = found.d;
    const at = found.t.indexOf("=");
    if (at >= 0) steps.push({ field: name, shape: found.t.slice(0, at), type: found.t.slice(at + 1) });
  }
  return { empty, steps };
}

function canonical(value: unknown): unknown {
  if (typeof value === "string" && value.length < 3 && /^[1-9]\d?$/.test(value)) return value;
  return canonicalQuantity(value) ?? value;
}

function inShape(value: unknown, shape: string, edit: (value: unknown) => unknown): unknown {
  if (shape === "") return edit(value);
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
