// A preview for people: on a terminal, and as Markdown for a comment on a pull request, which has a limit of size and says
// where it was cut. Lines of differences come ready; nothing is fetched or printed here. Pure.
import type { ApplicationPreview, ObjectChange, Preview } from "#protocol/preview.ts";
import type { Paint } from "../context.ts";
import { oneLine } from "./table.ts";

/** The lines of an object's unified diff, without names of files. */
export type LinesOf = (object: ObjectChange) => readonly string[];

interface Counts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

function countsOf(objects: readonly ObjectChange[]): Counts {
  const count = (change: ObjectChange["change"]): number => objects.filter((object) => object.change === change).length;
  return { added: count("added"), changed: count("changed"), removed: count("removed") };
}

const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** One line: `2 of 200 applications change: 1 object added, 3 changed; 1 cannot be rendered.` */
export function summaryLine({ applications, statistics }: Preview): string {
  const changed = applications.filter(({ outcome }) => outcome === "changed");
  const failed = applications.filter(({ outcome }) => outcome === "failed").length;
  const { added, changed: altered, removed } = countsOf(changed.flatMap(({ objects }) => objects));
  const parts = [
    [added, "added"],
    [altered, "changed"],
    [removed, "removed"],
  ] as const;
  const said = parts
    .filter(([count]) => count > 0)
    .map(([count, word], index) => (index === 0 ? `${many(count, "object")} ${word}` : `${count} ${word}`));
  const verb = changed.length === 1 ? "changes" : "change";
  const head = `${changed.length} of ${many(statistics.following, "application")} ${changed.length === 0 ? "change" : verb}`;
  const rest = failed === 0 ? "" : `; ${failed} cannot be rendered`;
  return `${head}${said.length === 0 ? "" : `: ${said.join(", ")}`}${rest}.`;
}

const short = (sha: string): string => (/^[0-9a-f]{40,64}$/.test(sha) ? sha.slice(0, 7) : sha);
const sideOf = ({ revision, sha }: Preview["base"]): string =>
  revision === sha || revision === "" ? short(sha) : `${revision} (${short(sha)})`;

const nameOf = ({ namespace, name }: ApplicationPreview): string => `${namespace}/${name}`;
const objectName = ({ group, kind, namespace, name }: ObjectChange): string =>
  `${group === "" ? "" : `${group}/`}${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`;
const placeOf = ({ file, line = 1 }: ObjectChange): string =>
  file ? `${oneLine(file)}${line > 1 ? `:${line}` : ""}` : "";

/** For a terminal or a log. */
export function previewText(preview: Preview, linesOf: LinesOf, paint: Paint): string {
  const { base, head, repository, statistics, conflicts, changedFiles } = preview;
  const out = [
    `${sideOf(head)} into ${sideOf(base)} of ${repository}: ${many(changedFiles.length, "file")}, ${many(statistics.rendered, "application")} rendered in ${statistics.durationMs} ms`,
    ...conflicts.map((file) =>
      paint.yellow(`Conflict: ${oneLine(file)} was changed on both sides; shown as the head has it`),
    ),
    "",
  ];
  for (const application of preview.applications.filter(({ outcome }) => outcome !== "unchanged")) {
    const { added, changed, removed } = countsOf(application.objects);
    const counts = [paint.green(`+${added}`), paint.yellow(`~${changed}`), paint.red(`-${removed}`)].join(" ");
    const failed = application.error ? paint.red("cannot be rendered") : counts;
    out.push(`${paint.bold(nameOf(application))} → ${application.destination}  ${failed}`);
    if (application.error) out.push(paint.red(`  ${oneLine(application.error.message)}`));
    if (application.baseError)
      out.push(paint.yellow(`  It cannot be rendered now: ${oneLine(application.baseError.message)}`));
    for (const warning of application.warnings) out.push(paint.yellow(`  Warning: ${oneLine(warning)}`));
    for (const object of application.objects) {
      const hook = object.hook ? " (hook)" : "";
      const place = placeOf(object);
      out.push(
        "",
        paint.bold(`===== ${objectName(object)} ${object.change}${hook} =====`) +
          (place === "" ? "" : paint.dim(` ${place}`)),
      );
      out.push(
        ...(object.cut ? ["The answer would have become too large: see this application alone."] : linesOf(object)),
      );
    }
    out.push("");
  }
  return `${[...out, paint.bold(summaryLine(preview))].join("\n")}\n`;
}

const maxTableRows = 100;

/** For a comment: a summary, a table, then the differences to unfold, as many as fit into `limit` characters. */
export function previewMarkdown(preview: Preview, linesOf: LinesOf, limit: number): string {
  const shown = preview.applications.filter(({ outcome }) => outcome !== "unchanged");
  const out = [headOf(preview), tableOf(shown, limit / 2)].filter((block) => block !== "");
  const room = limit - 400;
  let size = out.join("\n\n").length;
  let left = shown.reduce((sum, { objects }) => sum + objects.length, 0);
  for (const application of shown) {
    const failure = failureOf(application);
    const [opening, closing] = folded(application);
    const blocks: string[] = [];
    let inside = size + opening.length + closing.length + failure.length + 8;
    for (const object of application.objects) {
      const block = objectBlock(object, linesOf(object), room - inside);
      if (block === undefined) break;
      blocks.push(block);
      inside += block.length + 2;
      left--;
    }
    if (blocks.length === 0 && (failure === "" || inside > room)) continue;
    out.push([opening, ...(failure === "" ? [] : [failure]), ...blocks, closing].join("\n\n"));
    size = inside;
  }
  if (left > 0)
    out.push(
      `**Cut here:** ${many(left, "object")} more would not fit into ${limit} characters. \`driftless preview\` shows all.`,
    );
  return `${out.join("\n\n")}\n`;
}

function headOf(preview: Preview): string {
  const { base, head, conflicts, changedFiles, against } = preview;
  const lines = [
    `### ${escaped(summaryLine(preview))}`,
    `${code(sideOf(head))} into ${code(sideOf(base))}, ${many(changedFiles.length, "file")}${against === "live" ? ", compared with the clusters" : ""}.`,
  ];
  if (conflicts.length > 0)
    lines.push(
      `⚠️ Changed on both sides, shown as the head has them: ${conflicts.slice(0, 20).map(code).join(", ")}${conflicts.length > 20 ? ", …" : ""}.`,
    );
  return lines.join("\n\n");
}

/** One row for each application, as many as fit into `room` characters. */
function tableOf(shown: readonly ApplicationPreview[], room: number): string {
  if (shown.length === 0) return "";
  let used = 200;
  const all = shown.slice(0, maxTableRows).map((application) => {
    const { added, changed, removed } = countsOf(application.objects);
    const note = application.error ? "❌ cannot be rendered" : application.warnings.length > 0 ? "⚠️ see below" : "";
    const cells = application.error ? ["", "", ""] : [added, changed, removed].map(String);
    return `| ${[escaped(nameOf(application)), escaped(application.destination), ...cells, note].join(" | ")} |`;
  });
  const rows = all.filter((row) => (used += row.length + 1) <= room);
  const left = shown.length - rows.length;
  const more = left > 0 ? `\n\n… and ${many(left, "application")} more.` : "";
  return `| application | destination | added | changed | removed | |\n|---|---|--:|--:|--:|---|\n${rows.join("\n")}${more}`;
}

function folded(application: ApplicationPreview): readonly [string, string] {
  const open = application.error ? " open" : "";
  return [`<details${open}><summary><b>${escaped(nameOf(application))}</b></summary>`, "</details>"];
}

function failureOf({ error, baseError, warnings }: ApplicationPreview): string {
  const lines = [
    ...(error ? [`❌ ${error.message}`] : []),
    ...(baseError ? [`It cannot be rendered now: ${baseError.message}`] : []),
    ...warnings.map((warning) => `⚠️ ${warning}`),
  ];
  return lines.length === 0 ? "" : fenced(lines.slice(0, 20), "");
}

/** One object's block within `room`, its lines cut where needed; undefined where not even its beginning fits. */
function objectBlock(object: ObjectChange, lines: readonly string[], room: number): string | undefined {
  const place = placeOf(object);
  const title = `${code(objectName(object))} ${object.change}${object.hook ? " (hook)" : ""}${place === "" ? "" : `, ${code(place)}`}`;
  if (object.cut) return room < title.length + 60 ? undefined : `${title}: too large for the answer`;
  let used = title.length + 60;
  const taken: string[] = [];
  for (const line of lines) {
    if ((used += line.length + 1) > room) break;
    taken.push(line);
  }
  if (taken.length < Math.min(3, lines.length)) return undefined;
  if (taken.length < lines.length) taken.push(`… ${many(lines.length - taken.length, "more line")}`);
  return `${title}\n\n${fenced(taken, "diff")}`;
}

/** A fence that no line of the text can close. */
function fenced(lines: readonly string[], language: string): string {
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${lines.join("\n")}\n${fence}`;
}

const escaped = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("`", "&#96;")
    .replaceAll("|", "\\|")
    .replaceAll(/\s+/g, " ");
const code = (text: string): string => `\`${text.replaceAll("`", "'").replaceAll(/\s+/g, " ")}\``;
