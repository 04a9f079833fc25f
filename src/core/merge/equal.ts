// Whether two values mean the same to the API server, given their type: quantities, times, null and absent, the order of
// keyed lists. Decides nothing about drift (that is core/compare) and changes nothing.
import type { ListSchema, ScalarSchema, TypeSchema } from "./schema.ts";
import { anyType } from "./schema.ts";
import { sameQuantity } from "./quantity.ts";
import { elementKey } from "./elements.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The type of a field of an object of this type; `any` where the type does not say. */
export function fieldType(schema: TypeSchema, name: string): TypeSchema {
  if (schema.kind === "struct") return Object.hasOwn(schema.fields, name) ? schema.fields[name]! : anyType;
  return schema.kind === "map" ? schema.value : anyType;
}

/** Whether a value may stand for an absent field: null always, a zero value where the API server drops it. */
export function isAbsent(value: unknown, schema: TypeSchema | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (schema === undefined || schema.omitEmpty !== true) return false;
  if (value === "" || value === 0 || value === false) return schema.kind === "scalar";
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.length === 0;
  return isEmptyStruct(value as Fields, schema);
}

/** `{}`, or a struct that the API server never leaves out and in which everything is absent in turn. */
function isEmptyStruct(value: Fields, schema: TypeSchema): boolean {
  for (const key in value) if (!isAbsent(value[key], fieldType(schema, key))) return false;
  return true;
}

/**
 * Takes two values and their type; returns whether they mean the same. Without a type only null and absent fields are
 * levelled. Lists of type map and set are compared without order.
 */
export function sameValue(a: unknown, b: unknown, schema?: TypeSchema): boolean {
  if (a === b) return true;
  if (a === null || a === undefined || b === null || b === undefined) return isAbsent(a ?? b, schema);
  if (schema !== undefined && schema.kind === "scalar" && (schema.type !== "any" || schema.format !== undefined))
    return sameScalar(a, b, schema);
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && sameList(a, b, schema?.kind === "list" ? schema : undefined);
  return sameObject(a as Fields, b as Fields, schema);
}

function sameObject(a: Fields, b: Fields, schema: TypeSchema | undefined): boolean {
  const type = schema ?? anyType;
  for (const key in a) {
    const left = a[key];
    const right = b[key];
    if (left !== right && !sameValue(left, right, fieldType(type, key))) return false;
  }
  for (const key in b) if (a[key] === undefined && !isAbsent(b[key], fieldType(type, key))) return false;
  return true;
}

function sameList(a: readonly unknown[], b: readonly unknown[], schema: ListSchema | undefined): boolean {
  if (a.length !== b.length) return false;
  const items = schema?.items;
  let first = 0;
  while (first < a.length && sameValue(a[first], b[first], items)) first++;
  if (first === a.length) return true;
  if (schema === undefined || schema.listType === "atomic") return false;
  const others = new Map<string, unknown>();
  for (let i = first; i < b.length; i++) {
    const key = elementKey(b[i], schema);
    if (key === undefined || others.has(key)) return false;
    others.set(key, b[i]);
  }
  for (let i = first; i < a.length; i++) {
    const key = elementKey(a[i], schema);
    if (key === undefined || !others.has(key) || !sameValue(a[i], others.get(key), items)) return false;
  }
  return true;
}

function sameScalar(a: unknown, b: unknown, schema: ScalarSchema): boolean {
  switch (schema.format) {
    case "quantity":
      return sameQuantity(a, b, schema.scale) ?? false;
    case "int-or-string":
      return (
        isText(a) && isText(b) && (String(a) === String(b) || (sameQuantity(a, b) === true && typeof a !== typeof b))
      );
    case "date-time":
      return sameTime(a, b, 1000);
    case "micro-time":
      return sameTime(a, b, 1);
    case "duration":
      return sameDuration(a, b);
    case "byte":
      return typeof a === "string" && typeof b === "string" && withoutBreaks(a) === withoutBreaks(b);
    default:
      return false;
  }
}

function isText(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

function withoutBreaks(base64: string): string {
  return base64.replaceAll(/[\r\n]/g, "");
}

/** Times are stored to the second, MicroTimes to the microsecond (compared here to the millisecond and by text). */
function sameTime(a: unknown, b: unknown, unitMs: number): boolean {
  if (typeof a !== "string" || typeof b !== "string") return false;
  const left = Date.parse(a);
  const right = Date.parse(b);
  if (Number.isNaN(left) || Number.isNaN(right)) return false;
  if (Math.floor(left / unitMs) !== Math.floor(right / unitMs)) return false;
  return unitMs > 1 || microseconds(a) === microseconds(b);
}

function microseconds(time: string): string {
  return (/\.(\d+)/.exec(time)?.[1] ?? "").padEnd(6, "0").slice(0, 6);
}

const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

/** Nanoseconds of a Go duration (`1h30m`), or undefined. */
export function durationNs(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  const match = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(text);
  if (match === null) return text === "0" ? 0 : undefined;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    total += Number(number) * (unitNs[unit ?? ""] ?? 0);
  return match[1] === "-" ? -total : total;
}

function sameDuration(a: unknown, b: unknown): boolean {
  const left = durationNs(a);
  return left !== undefined && left === durationNs(b);
}
