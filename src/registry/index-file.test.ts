import { describe, expect, it } from "vitest";
import { entriesIn, placesIn, wholeIndex } from "./index-file.ts";

async function versionsOf(text: string): Promise<Record<string, string[]> | "not in block style"> {
  const bytes = Buffer.from(text);
  const places = await placesIn(bytes);
  if (!places) return "not in block style";
  return Object.fromEntries(
    [...places].map(([chart, [start, end]]) => [
      chart,
      entriesIn(bytes.subarray(start, end), chart, "it").map(({ version }) => version),
    ]),
  );
}

const wholeVersions = (text: string): Record<string, string[]> =>
  Object.fromEntries(
    [...wholeIndex(Buffer.from(text), "it")].map(([chart, list]) => [chart, list.map(({ version }) => version)]),
  );

const web = "- name: web\n  version: 1.10\n  urls: [web.tgz]\n- version: '2.0'\n";
const indented = (text: string, by: number): string => text.replaceAll(/^(?=.)/gm, " ".repeat(by));

describe("an index is read only where it is asked for", () => {
  it.each<[string, string]>([
    ["lists at their key's depth", `apiVersion: v1\nentries:\n  web:\n${indented(web, 2)}  db:\n  - version: "3"\n`],
    ["lists deeper than their key", `entries:\n  web:\n${indented(web, 6)}  db:\n      - version: "3"\ngenerated: x\n`],
    [
      "quoted names and comments",
      `# top\nentries: # all\n  # first\n  "web":\n${indented(web, 2)}\n  'db': # second\n  - version: "3"\n`,
    ],
    [
      "entries after other keys",
      `generated: x\napiVersion: v1\nserverInfo: {}\nentries:\n    web:\n${indented(web, 4)}    db:\n    - version: "3"\npublicKeys: []\n`,
    ],
    ["Windows' line ends", `entries:\n  web:\n${indented(web, 2)}  db:\n  - version: "3"\n`.replaceAll("\n", "\r\n")],
    ["no line end at the end", `entries:\n  web:\n${indented(web, 2)}  db:\n  - version: "3"`],
  ])("%s", async (_name, text) => {
    expect(await versionsOf(text)).toEqual({ web: ["1.10", "2.0"], db: ["3"] });
    expect(wholeVersions(text)).toEqual({ web: ["1.10", "2.0"], db: ["3"] });
  });

  it("texts of many lines do not look like charts", async () => {
    const text = `entries:\n  web:\n  - description: |\n      entries:\n        db:\n        - version: "9"\n    version: "1"\n    home: "a\n      b:\n      c"\n`;
    expect(await versionsOf(text)).toEqual({ web: ["1"] });
  });

  it("an empty repository", async () => {
    expect(await versionsOf("apiVersion: v1\nentries: {}\n")).toEqual({});
  });

  it.each<[string, string]>([
    ["JSON", `{"apiVersion":"v1","entries":{"web":[{"version":"1","urls":[]}]}}`],
    ["flow style", `{apiVersion: v1, entries: {web: [{version: "1"}]}}`],
    ["a flow mapping of entries", `entries: {web: [{version: "1"}]}\n`],
    ["a flow list of one chart", `entries:\n  web: [{version: "1"}]\n`],
    ["a chart's name of another kind", `entries:\n  ? web\n  : - version: "1"\n`],
  ])("%s is parsed whole", async (_name, text) => {
    expect(await versionsOf(text)).toBe("not in block style");
    expect(wholeVersions(text)).toEqual({ web: ["1"] });
  });

  it("30 MB are scanned in well under a second, and other work goes on", async () => {
    const block = Array.from(
      { length: 250 },
      (_, at) =>
        `  - apiVersion: v2\n    created: "2026-01-02T03:04:05Z"\n    description: A chart of many words that stand here to make it long\n    digest: ${"ab".repeat(32)}\n    name: chart\n    urls:\n    - https://charts.example.com/charts/chart-${at}.tgz\n    version: 1.${at}.0\n`,
    ).join("");
    const charts = Array.from({ length: 420 }, (_, at) => `  chart-${at}:\n${block}`).join("");
    const bytes = Buffer.from(`apiVersion: v1\nentries:\n${charts}`);
    expect(bytes.length).toBeGreaterThan(30 << 20);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const started = performance.now();
    const places = await placesIn(bytes);
    const [start, end] = places?.get("chart-400") ?? [0, 0];
    const entries = entriesIn(bytes.subarray(start, end), "chart-400", "it");
    const took = performance.now() - started;
    clearInterval(timer);
    expect(entries).toHaveLength(250);
    expect(turns).toBeGreaterThan(2);
    expect(took).toBeLessThan(2000);
  });
});
