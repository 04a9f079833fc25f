// `driftless preview`.
import { DriftlessError } from "#base/errors.ts";
import type { ObjectChange, Preview } from "#protocol/preview.ts";
import type { PreviewWish } from "../server/api.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { diffLines, painted } from "../local/diffing.ts";
import { bool, text, uint } from "../flags.ts";
import { askGit, packChanges, placeOf, workingCopyOf } from "../local/local-files.ts";
import { jsonText, yamlText } from "../view/print.ts";
import { previewMarkdown, previewText } from "../view/preview.ts";

export default command({
  about:
    "Every application of the server that follows the base and reads something that the change touches, with its objects' differences. Nothing is written anywhere; values of Secrets are masked.\nExit code: 0; 2 on errors. With --exit-code: 1 where something would change, 2 where an application can no longer be rendered.",
  examples: [
    ["What the branch of this working copy would change", "driftless preview"],
    [
      "Another branch, of another repository",
      "driftless preview --repo https://git.example.com/fleet.git --base main --head feature",
    ],
    ["What is not committed yet, too", "driftless preview --local ."],
    ["As a comment on a pull request", "driftless preview --head feature -o markdown"],
    ["From what is on the clusters now", "driftless preview --live"],
    ["In a pipeline", "driftless preview --exit-code -o json"],
  ],
  flags: {
    repo: text("URL of the repository; the remote of this working copy unless told"),
    base: text("The revision that applications follow; the default branch unless told"),
    head: text("Branch or commit to preview; the branch of this working copy unless told"),
    local: text("Preview a working copy as it is on the disk, in this folder"),
    live: bool("Compare with the objects on the clusters instead of those of the base"),
    output: text("Output format: text, markdown, json", {
      short: "o",
      fallback: "text",
      choices: ["text", "markdown", "json"],
    }),
    "max-size": uint("Characters of Markdown at most", { fallback: 60_000 }),
    "exit-code": bool("Tell by the exit code whether something would change"),
    project: text("Only applications of this project"),
    selector: text("Only applications with these labels", { short: "l" }),
    "app-namespace": text("Only applications in this namespace", { short: "N" }),
  },
  args: { min: 0, max: 0 },
  errorCode: 2,
  async run(context, { values }) {
    const api = await context.api();
    const preview = await api.preview(
      context.op,
      {
        ...(await sidesOf(context, values)),
        against: values.live ? "live" : "base",
        project: values.project,
        selector: values.selector,
        appNamespace: values["app-namespace"],
      },
      progressOn(context),
    );
    if (values.output === "json") context.out.write(jsonText(preview));
    else if (values.output === "markdown")
      context.out.write(previewMarkdown(preview, await linesOf(preview), values["max-size"]));
    else {
      const lines = await linesOf(preview);
      const colored = (object: ObjectChange): string[] => lines(object).map((line) => painted(line, context.paint));
      context.out.write(previewText(preview, colored, context.paint));
    }
    if (!values["exit-code"]) return 0;
    if (preview.applications.some(({ outcome, baseError }) => outcome === "failed" && !baseError)) return 2;
    return preview.applications.some(({ outcome }) => outcome === "changed") ? 1 : 0;
  },
});

/** Repository, base and head, from flags and the working copy. Error: INVALID_ARGUMENT naming the flag that is needed. */
async function sidesOf(
  context: Context,
  flags: { readonly repo: string; readonly base: string; readonly head: string; readonly local: string },
): Promise<Pick<PreviewWish, "repository" | "base" | "head">> {
  const { repo, base, head, local } = flags;
  if (local !== "" && head !== "") throw new DriftlessError("INVALID_ARGUMENT", "give --head or --local, not both");
  const folder = workingCopyOf(placeOf(local === "" ? "." : local, {}).root);
  const needed = (flag: string, what: string): DriftlessError =>
    new DriftlessError("INVALID_ARGUMENT", `${what}: name it with ${flag}`);
  const repository = repo || (folder && (await remoteOf(context, folder)));
  if (!repository) throw needed("--repo", "this is no working copy of Git with a remote repository");
  if (local !== "") {
    const upload = folder && (await packChanges(context, folder));
    if (!upload)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `${local} is no working copy of Git that shares history with a remote branch: fetch first`,
      );
    return { repository, base, head: upload };
  }
  const branch = head || (folder && (await headOf(context, folder)));
  if (!branch) throw needed("--head", "this is no working copy of Git with a branch");
  return { repository, base, head: branch };
}

/** The URL of the remote that the branch follows, else of `origin`, else of the only one. */
async function remoteOf(context: Context, folder: string): Promise<string | undefined> {
  const lines = (out: string | undefined): string[] => (out ?? "").split("\n").filter((line) => line !== "");
  const branch = lines(await askGit(context, folder, "symbolic-ref", "--quiet", "--short", "HEAD"))[0];
  const followed = branch && lines(await askGit(context, folder, "config", `branch.${branch}.remote`))[0];
  const all = lines(await askGit(context, folder, "remote"));
  const name = followed ?? all.find((remote) => remote === "origin") ?? all[0];
  return name && lines(await askGit(context, folder, "remote", "get-url", name))[0];
}

async function headOf(context: Context, folder: string): Promise<string | undefined> {
  const branch = (await askGit(context, folder, "symbolic-ref", "--quiet", "--short", "HEAD"))?.trim();
  return branch || (await askGit(context, folder, "rev-parse", "HEAD"))?.trim();
}

/** Says on a terminal how many applications are done. */
function progressOn({ err }: Context): (done: number, total: number) => void {
  if (!err.isTerminal) return () => {};
  return (done, total) => {
    if (total > 0) err.write(done < total ? `\r${done} of ${total} applications` : "\r\u001b[K");
  };
}

/** The lines of each object's difference, ready to be asked for. */
async function linesOf(preview: Preview): Promise<(object: ObjectChange) => readonly string[]> {
  const found = new Map<ObjectChange, readonly string[]>();
  const yamlOf = (value: unknown): Promise<string> | string =>
    value === null || value === undefined ? "" : yamlText(value);
  for (const object of preview.applications.flatMap(({ objects }) => objects)) {
    const lines = await diffLines(["", ""], await yamlOf(object.before), await yamlOf(object.after));
    // What comes before the first @@ are names of files, which there are none of.
    const start = lines.findIndex((line) => line.startsWith("@@"));
    found.set(
      object,
      lines.slice(Math.max(0, start)).filter((line) => line !== ""),
    );
  }
  return (object) => found.get(object) ?? [];
}
