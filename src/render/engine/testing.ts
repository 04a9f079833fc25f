// For tests: a pool over the built engine, where there is one. Not used by the product.
import { testClock } from "#git/testing.ts";
import { findEngine } from "./binary.ts";
import { createEnginePool, type EnginePool, type EnginePoolOptions } from "./pool.ts";

/** Whether tests of the engine can run here; says once why not. */
export function engineForTests(): boolean {
  const there = findEngine(process.env).program !== undefined;
  if (!there) process.stderr.write("driftless-engine is not built (npm run engine:build): its tests are skipped\n");
  return there;
}

export const testPool = (options: Partial<EnginePoolOptions> = {}): EnginePool =>
  createEnginePool({ locate: () => findEngine(process.env), clock: testClock, ...options });
