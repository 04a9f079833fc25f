// What the engine says of an error → an error of the catalogue, with its place. Pure.
import { DriftlessError, type ErrorCode } from "#base/errors.ts";
import type { EngineFailure } from "./frames.ts";

const codes: Readonly<Record<string, ErrorCode>> = {
  template: "RENDER_FAILED",
  manifest: "MANIFEST_INVALID",
  missing: "RENDER_FAILED",
  values: "RENDER_FAILED",
  capabilities: "RENDER_FAILED",
  refused: "RENDER_REFUSED",
  "too-large": "RENDER_TOO_LARGE",
  unsupported: "SOURCE_UNSUPPORTED",
  cancelled: "CANCELLED",
  timeout: "RENDER_TIMEOUT",
};

export function engineFailure(failure: EngineFailure): DriftlessError {
  const { file, line, column, message } = failure;
  const place = file === undefined ? "" : [file, line, column].filter((part) => part !== undefined).join(":");
  const told = place === "" || message.startsWith(place) ? message : `${place}: ${message}`;
  return new DriftlessError(codes[failure.kind] ?? "INTERNAL", bounded(told), {
    details: {
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
    },
  });
}

/** Of a long message the beginning, which says where, and the end, which says why. */
function bounded(message: string): string {
  return message.length <= 4000 ? message : `${message.slice(0, 2000)} … ${message.slice(-1900)}`;
}
