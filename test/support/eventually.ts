// Waiting for what must become true: asked again until it is, with a deadline. Tests never sleep.

export interface Patience {
  /** 30 s unless told. */
  readonly withinMs?: number;
  readonly everyMs?: number;
  /** Said beside the last failure when time is up. */
  readonly context?: () => Promise<string> | string;
}

/** Calls `probe` until it does not throw; returns what it returned. Throws its last error when time is up. */
export async function eventually<T>(probe: () => Promise<T> | T, patience: Patience = {}): Promise<T> {
  const { withinMs = 30_000, everyMs = 80 } = patience;
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await probe();
    } catch (thrown) {
      if (performance.now() > deadline) throw await late(thrown, withinMs, patience);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Calls `probe` again and again for a time; throws at once when it does. For what must stay as it is. */
export async function steadily(probe: () => Promise<unknown>, forMs: number, everyMs = 100): Promise<void> {
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    await probe();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

async function late(thrown: unknown, withinMs: number, { context }: Patience): Promise<Error> {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const more = await Promise.resolve(context?.()).catch((why: unknown) => String(why));
  error.message = `not within ${withinMs} ms: ${error.message}${more === undefined ? "" : `\n${more}`}`;
  return error;
}
