// Three suites: unit (beside the code), contract (sandbox and real apiserver), e2e (the whole product over Git protocols).
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "src/**/*.test.ts",
            "tools/**/*.test.ts",
            "ui/**/*.test.ts",
            "sim/**/*.test.ts",
            "docs/**/*.test.ts",
            "test/render/**/*.test.ts",
            "test/fuzz/**/*.test.ts",
          ],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/security/**/*.test.ts"],
          // Scenarios wait much more than they compute.
          maxConcurrency: 10,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
