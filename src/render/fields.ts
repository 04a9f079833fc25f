// Fields of a source's blocks, which users write: each is read with its type, or refused with its name. Pure.
import { DriftlessError } from "#base/errors.ts";
import { isObject, type JsonObject } from "#base/json.ts";

export class Fields {
  private readonly block: JsonObject;
  private readonly where: string;

  constructor(block: JsonObject | undefined, where: string) {
    this.block = block ?? {};
    this.where = where;
  }

  private wrong(name: string, wanted: string): DriftlessError {
    const field = `${this.where}.${name}`;
    return new DriftlessError("SPEC_INVALID", `${field} is not ${wanted}`, { details: { field } });
  }

  text(name: string): string | undefined {
    const value = this.block[name];
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value !== "string") throw this.wrong(name, "a text");
    return value;
  }

  flag(name: string): boolean {
    const value = this.block[name];
    if (value === undefined || value === null) return false;
    if (typeof value !== "boolean") throw this.wrong(name, "true or false");
    return value;
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((value) => {
      if (typeof value !== "string") throw this.wrong(name, "a list of texts");
      return value;
    });
  }

  objects(name: string): readonly JsonObject[] {
    return this.list(name).map((value) => {
      if (!isObject(value)) throw this.wrong(name, "a list of mappings");
      return value;
    });
  }

  /** Names with texts; numbers and flags are written out, as Kubernetes would refuse them otherwise. */
  map(name: string): Readonly<Record<string, string>> {
    const value = this.block[name];
    if (value === undefined || value === null) return {};
    if (!isObject(value)) throw this.wrong(name, "a mapping");
    return Object.fromEntries(
      Object.entries(value).map(([key, text]) => {
        if (text === null || typeof text === "object") throw this.wrong(`${name}.${key}`, "a text");
        return [key, String(text)];
      }),
    );
  }

  object(name: string): JsonObject | undefined {
    const value = this.block[name];
    if (value === undefined || value === null) return undefined;
    if (!isObject(value)) throw this.wrong(name, "a mapping");
    return value;
  }

  private list(name: string): readonly unknown[] {
    const value = this.block[name];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw this.wrong(name, "a list");
    return value as unknown[];
  }
}

/** The fields that are set: no undefined, no empty list, mapping, text or false. Equal meanings give equal objects. */
export function compact(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) =>
        value !== undefined &&
        value !== "" &&
        value !== false &&
        !(Array.isArray(value) && value.length === 0) &&
        !(isObject(value) && Object.keys(value).length === 0),
    ),
  );
}
