// A deadline around one piece of work.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Context } from "./context.ts";

/** Runs the work under an operation that ends after `timeoutMs` (0: never). Error: DEADLINE_EXCEEDED. */
export async function withTimeout<T>(
  context: Pick<Context, "op" | "clock">,
  timeoutMs: number,
  work: (op: Operation) => Promise<T>,
): Promise<T> {
  if (timeoutMs === 0) return work(context.op);
  const late = new AbortController();
  const cancel = context.clock.after(timeoutMs, () => late.abort());
  try {
    return await work({ ...context.op, signal: AbortSignal.any([context.op.signal, late.signal]) });
  } catch (thrown) {
    if (!late.signal.aborted || context.op.signal.aborted) throw thrown;
    throw new DriftlessError("DEADLINE_EXCEEDED", `the command did not end within ${timeoutMs / 1000} s`, {
      cause: thrown,
    });
  } finally {
    cancel();
  }
}
