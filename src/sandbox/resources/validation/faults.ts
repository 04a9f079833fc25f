// Collects field errors in Kubernetes' words.
import type { FieldError } from "../../contract.ts";

export class Faults {
  readonly list: FieldError[] = [];

  required(field: string, detail = ""): void {
    this.list.push({ type: "Required value", field, detail });
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.list.push({ type: "Invalid value", field, value, detail });
  }

  forbidden(field: string, detail: string): void {
    this.list.push({ type: "Forbidden", field, detail });
  }

  duplicate(field: string, value: unknown): void {
    this.list.push({ type: "Duplicate value", field, value, detail: "" });
  }

  notFound(field: string, value: unknown): void {
    this.list.push({ type: "Not found", field, value, detail: "" });
  }

  unsupported(field: string, value: unknown, supported: readonly string[]): void {
    const detail = `supported values: ${supported.map((item) => JSON.stringify(item)).join(", ")}`;
    this.list.push({ type: "Unsupported value", field, value, detail });
  }

  /** One of these, where it is given at all. */
  oneOf(field: string, value: unknown, supported: readonly string[]): void {
    if (value !== undefined && value !== null && !supported.includes(value as string))
      this.unsupported(field, value, supported);
  }

  notNegative(field: string, value: unknown): void {
    if (typeof value === "number" && value < 0) this.invalid(field, value, "must be greater than or equal to 0");
  }

  /** Reports what a check of words.ts says of a value. */
  words(field: string, value: unknown, detail: string | undefined): void {
    if (detail !== undefined) this.invalid(field, value, detail);
  }

  immutable(field: string, before: boolean, value: unknown): void {
    if (!before) this.invalid(field, value, "field is immutable");
  }
}
