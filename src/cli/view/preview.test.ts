// A preview for people: the summary, the terminal, and Markdown that keeps to its size and cannot be broken out of.
import { describe, expect, test } from "vitest";
import type { ApplicationPreview, ObjectChange, Preview } from "#protocol/preview.ts";
import type { Paint } from "../context.ts";
import { previewMarkdown, previewText, summaryLine } from "./preview.ts";

const plain: Paint = {
  bold: String,
  dim: String,
  red: String,
  green: String,
  yellow: String,
  cyan: String,
  blue: String,
};

const object = (name: string, change: ObjectChange["change"], more: Partial<ObjectChange> = {}): ObjectChange => ({
  group: "apps",
  kind: "Deployment",
  namespace: "web",
  name,
  change,
  before: null,
  after: null,
  file: "web/a.yaml",
  line: 3,
  ...more,
});

const application = (name: string, more: Partial<ApplicationPreview> = {}): ApplicationPreview => ({
  namespace: "argocd",
  name,
  project: "default",
  destination: "in-cluster/web",
  outcome: "changed",
  warnings: [],
  objects: [object("web", "changed")],
  ...more,
});

const preview = (applications: readonly ApplicationPreview[], more: Partial<Preview> = {}): Preview => ({
  repository: "https://git.example.com/fleet.git",
  base: { revision: "main", sha: "a".repeat(40) },
  head: { revision: "topic", sha: "b".repeat(40) },
  mergeBase: "a".repeat(40),
  against: "base",
  changedFiles: ["web/a.yaml"],
  conflicts: [],
  statistics: { following: 200, affected: applications.length, rendered: applications.length, durationMs: 12 },
  applications,
  ...more,
});

const lines = (count: number): readonly string[] => [
  "@@ -1 +1 @@",
  ...Array.from({ length: count }, (_, i) => `+${i}`),
];
const failed = application("bad", {
  outcome: "failed",
  objects: [],
  error: { code: "MANIFEST_INVALID", message: "web/a.yaml:3: no kind" },
});

describe("the summary", () => {
  test.each<[applications: ApplicationPreview[], says: string]>([
    [[], "0 of 200 applications change."],
    [[application("a")], "1 of 200 applications changes: 1 object changed."],
    [[application("a", { outcome: "unchanged", objects: [] })], "0 of 200 applications change."],
    [
      [application("a", { objects: [object("x", "added"), object("y", "removed")] }), application("b"), failed],
      "2 of 200 applications change: 1 object added, 1 changed, 1 removed; 1 cannot be rendered.",
    ],
  ])("%#", (applications, says) => {
    expect(summaryLine(preview(applications))).toBe(says);
  });
});

test("on a terminal each object stands with its place, and each problem where it belongs", () => {
  const broken = application("new", { baseError: { code: "X", message: "no such folder" }, warnings: ["odd"] });
  const text = previewText(
    preview([application("web"), failed, broken], { conflicts: ["web/c.yaml"] }),
    () => lines(1),
    plain,
  );
  expect(text)
    .toBe(`topic (bbbbbbb) into main (aaaaaaa) of https://git.example.com/fleet.git: 1 file, 3 applications rendered in 12 ms
Conflict: web/c.yaml was changed on both sides; shown as the head has it

argocd/web → in-cluster/web  +0 ~1 -0

===== apps/Deployment web/web changed ===== web/a.yaml:3
@@ -1 +1 @@
+0

argocd/bad → in-cluster/web  cannot be rendered
  web/a.yaml:3: no kind

argocd/new → in-cluster/web  +0 ~1 -0
  It cannot be rendered now: no such folder
  Warning: odd

===== apps/Deployment web/web changed ===== web/a.yaml:3
@@ -1 +1 @@
+0

2 of 200 applications change: 2 objects changed; 1 cannot be rendered.
`);
});

describe("Markdown", () => {
  const many = Array.from({ length: 150 }, (_, i) =>
    application(`app-${i}`, { objects: [object("x", "added"), object("y", "changed")] }),
  );

  test.each([2000, 5000, 60_000])("keeps to %i characters, and says what was cut", (limit) => {
    const text = previewMarkdown(preview(many), () => lines(200), limit);
    expect(text.length).toBeLessThanOrEqual(limit);
    expect(text).toMatch(/… and \d+ applications more\./);
    expect(text).toMatch(/\*\*Cut here:\*\* \d+ objects more would not fit/);
    expect(text.match(/<details/g)?.length ?? 0).toBe(text.match(/<\/details>/g)?.length ?? 0);
    expect((text.match(/^```/gm)?.length ?? 0) % 2).toBe(0);
  });

  test("cuts a long object where it must, by whole lines", () => {
    const text = previewMarkdown(preview([application("web")]), () => lines(5000), 3000);
    expect(text.length).toBeLessThanOrEqual(3000);
    expect(text).toMatch(/\n… \d+ more lines\n```/);
  });

  test("has everything where it fits", () => {
    const text = previewMarkdown(preview([application("web"), failed]), () => lines(2), 60_000);
    expect(text).not.toContain("Cut here");
    expect(text).toContain("| argocd/web | in-cluster/web | 0 | 1 | 0 |  |");
    expect(text).toContain("| argocd/bad | in-cluster/web |  |  |  | ❌ cannot be rendered |");
    expect(text).toContain("❌ web/a.yaml:3: no kind");
  });

  test("cannot be broken out of by what is in the repository", () => {
    const evil = application("x</summary>|`", {
      destination: "a|b<img>",
      objects: [object("`</details>", "added", { file: "a`b" })],
      warnings: ["```\n# heading\n<script>"],
    });
    const text = previewMarkdown(preview([evil]), () => ["+a: |", "+  ````", "+  </details>"], 60_000);
    expect(text).toContain("x&lt;/summary&gt;\\|&#96;");
    expect(text).toContain("a\\|b&lt;img&gt;");
    expect(text).toContain("`````diff\n+a: |\n+  ````\n+  </details>\n`````");
    expect(text).toContain("````\n⚠️ ```\n# heading\n<script>\n````");
  });

  test("of nothing is the summary alone", () => {
    expect(previewMarkdown(preview([]), () => [], 60_000)).toBe(
      "### 0 of 200 applications change.\n\n`topic (bbbbbbb)` into `main (aaaaaaa)`, 1 file.\n",
    );
  });
});
