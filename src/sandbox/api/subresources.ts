import { noSuchResource } from "./status.ts";
import type { Call, ApiAnswer } from "./call.ts";
export function subresourceRequest(_call: Call, _s: string): ApiAnswer {
  throw noSuchResource();
}
