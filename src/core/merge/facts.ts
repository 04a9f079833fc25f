// Facts of Kubernetes' built-in types that their OpenAPI does not tell: which fields lose their zero value when they are
// stored, and what the API server fills in. Data only. Source: the API reference and the API server's own answers.
import type { Json } from "#base/json.ts";

export interface NativeFacts {
  /** Fields whose zero value is dropped. */
  readonly zero: ReadonlySet<string>;
  /** Field → the value that the API server fills in where it is left out. */
  readonly defaults: Readonly<Record<string, Json>>;
}

const none: NativeFacts = { zero: new Set(), defaults: {} };

/** Takes an OpenAPI definition's name; returns what is known of that type. */
export function nativeFacts(_definition: string): NativeFacts {
  return none;
}
