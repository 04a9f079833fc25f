// What a change of a repository would make of the applications that follow it. Only those are rendered whose sources read
// something that the change touches; the rest is known to stay as it is. Nothing is followed, kept or written.
import { DriftlessError, toError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { maskSecrets } from "#core/compare/mask.ts";
import { overlayRepository, type OverlayFiles } from "#git/overlay.ts";
import type { GitRepository, ResolvedRevision } from "#git/types.ts";
import { hostAndPath, sameRepository } from "#git/urls.ts";
import type { Application } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ApplicationPreview, ObjectChange, Preview } from "#protocol/preview.ts";
import { readsTouched } from "#render/reads.ts";
import { warningsOf } from "./desired-warnings.ts";
import type { Desired, DesiredObject } from "./desired.ts";
import { changedTree, type ChangedTree, type Tree } from "./preview-tree.ts";
import type { Follower, RevisionChoice, Sources } from "./sources.ts";
import type { AppState } from "../state.ts";
import type { Row } from "../comparison/table.ts";

export interface PreviewRequest {
  readonly repository: string;
  /** A revision that applications follow; "" for the default branch. */
  readonly base: string;
  /** A branch or commit, or files laid over a commit. */
  readonly head: string | { readonly files: OverlayFiles; readonly over: string };
  readonly against: "base" | "live";
  /** Which applications to tell of. */
  readonly matches: (app: Application) => boolean;
}

/** What a preview asks of the controller. */
export interface PreviewDeps {
  readonly sources: Sources;
  /** Of the applications that the caller may see. */
  states(): Iterable<AppState>;
  desiredAt(op: Op, state: AppState, revisions: readonly RevisionChoice[]): Promise<Desired>;
  compareWith(op: Op, state: AppState, desired: Desired): Promise<readonly Row[]>;
  readonly clock: { monotonic(): number };
  /** Annotations of Secrets that are masked besides their data. */
  readonly maskedAnnotations?: readonly string[];
}

const rendersAtOnce = 4;
/** Bytes of all objects of one answer; what comes after is named without its text. */
const maxAnswerBytes = 24 << 20;

/** One application, with the sources of it that follow the base. */
interface Affected {
  readonly state: AppState;
  readonly sources: readonly Follower[];
}

/**
 * Takes what would change and whom to tell of; returns what it would make of each affected application. `progress` hears
 * how many are done. Errors: NOT_FOUND where no application follows the base, REVISION_NOT_FOUND, those of the repository.
 * What goes wrong with one application stands in its part of the answer.
 */
export async function previewChange(
  op: Op,
  deps: PreviewDeps,
  request: PreviewRequest,
  progress: (done: number, total: number) => void,
): Promise<Preview> {
  const startedMs = deps.clock.monotonic();
  const followers = followersOf(deps, request.repository);
  const repository = followers[0]?.repository;
  if (!repository)
    throw new DriftlessError(
      "NOT_FOUND",
      `no application that you may see has a source in the repository ${request.repository}`,
    );
  const { base, head, mergeBase, tree } = await resolved(op, repository, request);
  const following = (await followingBase(op, deps, followers, base)).filter(({ state }) => request.matches(state.app));
  const affected = following.filter(({ sources }) =>
    sources.some(({ reads }) => reads === undefined || readsTouched(reads, tree.changed)),
  );
  let done = 0;
  progress(done, affected.length);
  const left = [...affected];
  const applications: ApplicationPreview[] = [];
  const next = async (): Promise<void> => {
    for (let one = left.shift(); one; one = left.shift()) {
      applications.push(await previewOf(op, deps, one, { tree, baseSha: base.sha, against: request.against }));
      progress(++done, affected.length);
    }
  };
  await Promise.all(Array.from({ length: rendersAtOnce }, next));
  return {
    repository: repository.url,
    base: { revision: request.base === "" ? shortRef(base) : request.base, sha: base.sha },
    head,
    ...(mergeBase === undefined ? {} : { mergeBase }),
    against: request.against,
    changedFiles: tree.changed,
    conflicts: tree.conflicts,
    statistics: {
      following: following.length,
      affected: affected.length,
      rendered: applications.length,
      durationMs: Math.round(deps.clock.monotonic() - startedMs),
    },
    applications: withinLimit(applications.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))),
  };
}

/**
 * The sources, of the applications that the caller may see, in the repository: in the one of that URL,
 * else in those that are the same over another protocol.
 */
function followersOf(deps: PreviewDeps, repository: string): readonly Follower[] {
  const known = new Set([...deps.states()].map(({ key }) => key));
  const found = (same: (url: string) => boolean): readonly Follower[] =>
    deps.sources.followers(same).filter(({ application }) => known.has(application));
  const exact = found((url) => sameRepository(url, repository));
  return exact.length > 0 ? exact : found((url) => hostAndPath(url) === hostAndPath(repository));
}

const nameOf = ({ namespace, name }: ApplicationPreview): string => `${name}/${namespace}`;
const shortRef = ({ ref, sha }: ResolvedRevision): string => ref?.replace(/^refs\/(heads|tags)\//, "") ?? sha;

interface Resolved {
  readonly base: ResolvedRevision;
  readonly head: Preview["head"];
  readonly mergeBase: string | undefined;
  readonly tree: ChangedTree;
}

/** Finds the commits, where they parted, and the tree that merging them would make. */
async function resolved(op: Op, repository: GitRepository, request: PreviewRequest): Promise<Resolved> {
  const { head } = request;
  const files = typeof head === "string" ? undefined : head;
  const revision = files ? files.over : (head as string);
  // Branches are looked at anew: a pull request's pipeline asks at the moment of the push.
  if (![request.base, revision].every((text) => /^[0-9a-f]{40,64}$/i.test(text))) await repository.refresh(op);
  const base = await repository.resolve(op, request.base);
  const { sha } = await repository.resolve(op, revision);
  const mergeBase = await repository.mergeBase(op, base.sha, sha);
  const from = mergeBase ?? base.sha;
  const committed = from === sha ? [] : await repository.changedPaths(op, from, sha);
  const top: Tree = files
    ? await overlayRepository(op, files.files, { kind: "local", url: repository.url, base: { repository, sha } })
    : { repository, sha };
  const paths = [...new Set([...committed, ...(files?.files.keys() ?? [])])].sort();
  const parted = mergeBase === undefined ? undefined : { repository, sha: mergeBase };
  const tree = await changedTree(op, { parted, base: { repository, sha: base.sha }, head: top }, paths);
  return { base, head: { revision: files ? "local files" : revision, sha: top.sha }, mergeBase, tree };
}

/** The applications with sources that follow what the base means, by the ref where it is one. */
async function followingBase(
  op: Op,
  deps: PreviewDeps,
  followers: readonly Follower[],
  base: ResolvedRevision,
): Promise<readonly Affected[]> {
  const answers = new Map<string, boolean>();
  const follows = async ({ repository, revision }: Follower): Promise<boolean> => {
    const key = `${repository.url} ${revision}`;
    let answer = answers.get(key);
    if (answer === undefined) {
      const means = await repository.resolve(op, revision).catch(() => undefined);
      answer = base.ref === undefined ? means?.sha === base.sha : means?.ref === base.ref;
      answers.set(key, answer);
    }
    return answer;
  };
  const byApplication = new Map<string, Follower[]>();
  for (const follower of followers) {
    if (!(await follows(follower))) continue;
    const list = byApplication.get(follower.application);
    if (list) list.push(follower);
    else byApplication.set(follower.application, [follower]);
  }
  const found: Affected[] = [];
  for (const state of deps.states()) {
    const sources = byApplication.get(state.key);
    if (sources) found.push({ state, sources });
  }
  return found;
}

async function previewOf(
  op: Op,
  deps: PreviewDeps,
  { state, sources }: Affected,
  change: { readonly tree: ChangedTree; readonly baseSha: string; readonly against: Preview["against"] },
): Promise<ApplicationPreview> {
  const { metadata, spec } = state.app;
  const { server = "", name: cluster = "", namespace = "" } = spec.destination;
  const said = {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    project: spec.project || "default",
    destination: `${cluster === "" ? server : cluster}/${namespace}`,
  };
  const { repository, sha } = change.tree;
  const followed = deps.sources.revisions(state.key);
  const at = (choice: RevisionChoice): RevisionChoice[] => {
    const choices: RevisionChoice[] = [...followed];
    for (const { index } of sources) choices[index] = choice;
    return choices;
  };
  const after = await attempt(op, () => deps.desiredAt(op, state, at({ repository, sha })));
  if (after instanceof DriftlessError)
    return { ...said, outcome: "failed", error: shown(after), warnings: [], objects: [] };
  const compared = await attempt(op, () =>
    change.against === "live"
      ? liveChanges(op, deps, state, after)
      : baseChanges(op, deps, { state, after, base: at(change.baseSha) }),
  );
  if (compared instanceof DriftlessError)
    return { ...said, outcome: "failed", error: shown(compared), warnings: warningsOf(after), objects: [] };
  return {
    ...said,
    outcome: compared.objects.length > 0 ? "changed" : "unchanged",
    warnings: warningsOf(after),
    ...compared,
  };
}

async function attempt<T>(op: Op, work: () => Promise<T>): Promise<T | DriftlessError> {
  try {
    return await work();
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "CANCELLED" || op.signal.aborted) throw error;
    return error;
  }
}

const shown = ({ code, message }: DriftlessError): { code: string; message: string } => ({ code, message });

type Changes = Pick<ApplicationPreview, "objects" | "baseError">;

/** From the objects that the application desires now to those that it would desire. */
async function baseChanges(
  op: Op,
  deps: PreviewDeps,
  given: { state: AppState; after: Desired; base: readonly RevisionChoice[] },
): Promise<Changes> {
  const { state, after, base } = given;
  // What the controller holds is that of the base, unless news of it is still on its way there.
  const known = !state.renderDirty && sameJson(deps.sources.revisions(state.key), base) ? state.desired : undefined;
  const before = known ?? (await attempt(op, () => deps.desiredAt(op, state, base)));
  if (before instanceof DriftlessError)
    return { objects: objectChanges(undefined, after, deps), baseError: shown(before) };
  return { objects: objectChanges(before, after, deps) };
}

function objectChanges(before: Desired | undefined, after: Desired, deps: PreviewDeps): ObjectChange[] {
  const all = (desired: Desired | undefined): Map<string, DesiredObject> =>
    new Map([
      ...(desired?.objects ?? []),
      ...(desired?.hooks ?? []).map((hook) => [`hook ${hook.text}`, hook] as const),
    ]);
  const [old, now] = [all(before), all(after)];
  const changes: ObjectChange[] = [];
  for (const text of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [a, b] = [old.get(text), now.get(text)];
    if (a?.hash === b?.hash) continue;
    const { key, file, line, isHook } = (b ?? a) as DesiredObject;
    const place = { file, line, ...(isHook ? { hook: true } : {}) };
    changes.push(changeOf(key, versionsOf(deps, a?.object, b?.object), place));
  }
  return changes;
}

/** From what is on the cluster to what a sync would make of it. */
async function liveChanges(op: Op, deps: PreviewDeps, state: AppState, after: Desired): Promise<Changes> {
  const rows = await deps.compareWith(op, state, after);
  return {
    objects: rows
      .filter((row) => row.sync === "OutOfSync" && !row.ignored && !row.isHook)
      .map((row) => {
        const { key, desired, live, predicted } = row;
        const place = desired ? { file: desired.file, line: desired.line } : {};
        return changeOf(key, versionsOf(deps, live?.object, desired && (predicted ?? desired.object)), place);
      }),
  };
}

type Ends = Partial<Record<"before" | "after", KubernetesObject>>;

function versionsOf(
  { maskedAnnotations = [] }: PreviewDeps,
  before: KubernetesObject | undefined,
  after: KubernetesObject | undefined,
): Ends {
  return maskSecrets({ ...(before ? { before } : {}), ...(after ? { after } : {}) }, maskedAnnotations);
}

/** `masked` is what stands at either end. */
function changeOf(
  key: DesiredObject["key"],
  masked: Ends,
  place: Pick<ObjectChange, "file" | "line" | "hook">,
): ObjectChange {
  const { before, after } = masked;
  const { group, kind, namespace, name } = key;
  return {
    group,
    kind,
    namespace,
    name,
    change: before === undefined ? "added" : after === undefined ? "removed" : "changed",
    before: before ?? null,
    after: after ?? null,
    ...place,
  };
}

/** The same with the texts of objects left out from where they become too much. */
function withinLimit(applications: readonly ApplicationPreview[]): ApplicationPreview[] {
  let bytes = 0;
  return applications.map((application) => ({
    ...application,
    objects: application.objects.map((object) => {
      bytes += JSON.stringify([object.before, object.after]).length;
      if (bytes <= maxAnswerBytes) return object;
      const { before: _before, after: _after, ...rest } = object;
      return { ...rest, cut: true };
    }),
  }));
}
