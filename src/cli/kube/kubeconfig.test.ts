import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Context } from "../context.ts";
import { kubeContexts } from "./kubeconfig.ts";

const folder = mkdtempSync(join(tmpdir(), "driftless-kubeconfig-"));
function file(name: string, content: unknown): string {
  writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  return join(folder, name);
}
const config = (current: string, ...names: string[]): object => ({
  "current-context": current,
  clusters: names.map((name) => ({ name: `${name}-cluster`, cluster: { server: `https://${name}` } })),
  contexts: names.map((name) => ({ name, context: { cluster: `${name}-cluster`, user: "u" } })),
});
const one = file("one", config("b", "b", "a"));
const two = file("two", config("c", "c", "a"));
const asContext = (env: Record<string, string>): Context => ({ env }) as unknown as Context;

describe("contexts of kubeconfigs", () => {
  test("of several files: the first to name one wins, and so does its current context", async () => {
    const found = await kubeContexts(asContext({ KUBECONFIG: [one, "/nowhere", two].join(delimiter) }), "");
    expect(found.map(({ name, file: from, current }) => [name, from, current])).toEqual([
      ["a", one, false],
      ["b", one, true],
      ["c", two, false],
    ]);
  });

  test("a file that is named wins over the environment, and must be there", async () => {
    const context = asContext({ KUBECONFIG: one });
    expect((await kubeContexts(context, two)).map(({ server }) => server)).toEqual(["https://a", "https://c"]);
    await expect(kubeContexts(context, "/nowhere/config")).rejects.toThrow(/no kubeconfig \/nowhere\/config/);
  });

  test("none at all", async () => {
    expect(await kubeContexts(asContext({ HOME: folder }), "")).toEqual([]);
  });

  test.each(["a: [", "text", "- a"])("%j is no kubeconfig", async (content) => {
    await expect(kubeContexts(asContext({}), file("broken", content))).rejects.toThrow(/is not a kubeconfig/);
  });

  test("a context of a cluster that is not there is left out", async () => {
    const lost = file("lost", { contexts: [{ name: "x", context: { cluster: "y" } }] });
    expect(await kubeContexts(asContext({}), lost)).toEqual([]);
  });
});
