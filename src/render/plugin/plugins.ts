// Plugins of several kinds as one list.
import type { Plugins } from "./types.ts";

/** Of two plugins with one name the first list's counts. */
export function bothPlugins(first: Plugins, second: Plugins): Plugins {
  return {
    async list(op) {
      const known = await first.list(op);
      const names = new Set(known.map(({ name }) => name));
      const further = (await second.list(op)).filter(({ name }) => !names.has(name));
      return [...known, ...further].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async close() {
      await Promise.all([first.close(), second.close()]);
    },
  };
}
