// The server's services as the command line calls them, typed. Each method is one REST request, or a stream.
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type {
  Application,
  AppProject,
  ApplicationSpec,
  NameValue,
  RetryStrategy,
  SyncOperation,
  SyncResourceRef,
} from "#model/application.ts";
import type {
  ApplicationEvent,
  ApplicationTree,
  DriftAnswer,
  ManagedResource,
  SyncPlanAnswer,
  SyncPlanRequest,
  SyncWindowsAnswer,
  WaitingAnswer,
} from "#protocol/rest.ts";
import type { Preview } from "#protocol/preview.ts";
import { errorOf, jsonBody, type Http, type Query, type RawBody } from "./http.ts";

/** Which lines of which pods; named as the API names them. */
export type LogQuery = Readonly<Record<string, string | number | boolean>>;

export interface AppRef {
  readonly name: string;
  readonly appNamespace?: string;
  readonly project?: string;
}

export interface AppQuery {
  readonly selector?: string;
  readonly projects?: readonly string[];
  readonly repo?: string;
  readonly appNamespace?: string;
}

export interface SyncRequest {
  readonly revision?: string;
  readonly revisions?: readonly string[];
  readonly sourcePositions?: readonly number[];
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly strategy?: SyncOperation["syncStrategy"];
  readonly resources?: readonly SyncResourceRef[];
  readonly infos?: readonly NameValue[];
  readonly retryStrategy?: RetryStrategy;
  readonly syncOptions?: { readonly items: readonly string[] };
}

/** Revisions other than those that an application follows; positions are counted from 1. */
export interface RevisionQuery {
  readonly revision?: string;
  readonly revisions?: readonly string[];
  readonly sourcePositions?: readonly number[];
}

export interface PreviewWish {
  readonly repository: string;
  readonly base: string;
  /** A branch or commit, or files over a commit. */
  readonly head: string | Upload;
  readonly against: "base" | "live";
  readonly project?: string;
  readonly selector?: string;
  readonly appNamespace?: string;
}

/** Local files on their way to the server. */
export interface Upload {
  readonly body: RawBody;
  /** SHA-256 of the body. */
  readonly checksum: string;
  /** The commit that they are laid over. */
  readonly base?: string;
  /** The folder to render, from the root. */
  readonly path?: string;
}

export interface ManifestsAnswer {
  readonly manifests: readonly string[];
  /** Where each is written; Argo CD does not tell. */
  readonly places?: readonly { readonly file: string; readonly line: number }[];
  readonly revision: string;
}

export interface ComparisonAnswer {
  readonly items?: readonly ManagedResource[];
  readonly warnings?: readonly string[];
}

/** Objects to look at; empty parts mean any. */
export interface DriftQuery {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly resourceName?: string;
}

/** One object of an application's tree. */
export interface ActionTarget {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly resourceName: string;
}

interface ResourceAction {
  readonly name: string;
  readonly disabled?: boolean;
}

export interface UserInfo {
  readonly loggedIn?: boolean;
  readonly username?: string;
  readonly iss?: string;
  readonly groups?: readonly string[];
}

export interface ApiClient {
  /** Scheme, host and port: pages start here. */
  readonly url: string;
  /** One request to any other service: see services.ts. */
  readonly send: Http["send"];
  /** The token that requests carry now; "" without. */
  token(): string;
  readonly applications: {
    list(op: Operation, query: AppQuery): Promise<readonly Application[]>;
    get(
      op: Operation,
      ref: AppRef,
      options?: { readonly refresh?: "normal" | "hard" | undefined },
    ): Promise<Application>;
    create(op: Operation, app: Application, options: { upsert: boolean; validate: boolean }): Promise<Application>;
    updateSpec(
      op: Operation,
      ref: AppRef,
      spec: ApplicationSpec,
      options: { validate: boolean },
    ): Promise<ApplicationSpec>;
    patch(op: Operation, ref: AppRef, patch: string, patchType: string): Promise<Application>;
    delete(op: Operation, ref: AppRef, options: { cascade?: boolean; propagationPolicy?: string }): Promise<void>;
    sync(op: Operation, ref: AppRef, request: SyncRequest): Promise<Application>;
    /** A sync of files instead of what stands in the repository. */
    syncFiles(op: Operation, ref: AppRef, request: SyncRequest, upload: Upload): Promise<Application>;
    rollback(op: Operation, ref: AppRef, request: { id: number; prune: boolean }): Promise<Application>;
    terminate(op: Operation, ref: AppRef): Promise<void>;
    tree(op: Operation, ref: AppRef): Promise<ApplicationTree>;
    plan(op: Operation, ref: AppRef, request: SyncPlanRequest): Promise<SyncPlanAnswer>;
    /** What the sync windows say; undefined where the server does not tell. */
    windows(op: Operation, ref: AppRef): Promise<SyncWindowsAnswer | undefined>;
    /** What the application's sync waits for, and what it depends on; nothing where the server does not tell. */
    waiting(op: Operation, ref: AppRef): Promise<WaitingAnswer>;
    /** Lines of pods' logs as they come, `{ result: { content, podName, last } }` each. */
    logs(op: Operation, ref: AppRef, query: LogQuery): Promise<AsyncIterable<unknown>>;
    managedResources(op: Operation, ref: AppRef): Promise<readonly ManagedResource[]>;
    actions(op: Operation, ref: AppRef, target: ActionTarget): Promise<readonly ResourceAction[]>;
    runAction(
      op: Operation,
      ref: AppRef,
      request: ActionTarget & {
        readonly action: string;
        readonly params: readonly { readonly name: string; readonly value: string }[];
      },
    ): Promise<void>;
    drift(op: Operation, ref: AppRef, filter: DriftQuery): Promise<DriftAnswer>;
    manifests(op: Operation, ref: AppRef, query?: RevisionQuery): Promise<ManifestsAnswer>;
    manifestsOfFiles(op: Operation, ref: AppRef, upload: Upload): Promise<ManifestsAnswer>;
    /** The objects of an application that need not be on the server: of its sources, or of files. */
    manifestsOfWanted(op: Operation, app: Application, upload?: Upload): Promise<ManifestsAnswer>;
    /** How other revisions or files would compare with the live state. */
    compare(op: Operation, ref: AppRef, what: RevisionQuery | Upload): Promise<ComparisonAnswer>;
    /** One application as it is and as it changes, across lost connections, until its deletion or the signal. */
    follow(op: Operation, ref: AppRef, options?: { readonly everyMs?: number }): AsyncIterable<ApplicationEvent>;
    /** The application with the health of each resource, which some servers keep in the tree alone. */
    withHealth(op: Operation, ref: AppRef, app: Application): Promise<Application>;
  };
  /** What a change would make of the applications that follow a repository; `progress` hears how far it is. */
  preview(op: Operation, wanted: PreviewWish, progress: (done: number, total: number) => void): Promise<Preview>;
  readonly projects: {
    get(op: Operation, name: string): Promise<AppProject>;
  };
  readonly session: {
    login(op: Operation, username: string, password: string): Promise<string>;
    logout(op: Operation): Promise<void>;
    userInfo(op: Operation): Promise<UserInfo>;
  };
  version(op: Operation): Promise<{ readonly Version?: string }>;
}

const base = "/api/v1/applications";
const openWithinMs = 500;
const reconnectMs = [100, 250, 500, 1000, 2000];

export function createApi(http: Http, clock: Clock, token: () => string = () => ""): ApiClient {
  const path = (ref: AppRef, rest = ""): string => `${base}/${encodeURIComponent(ref.name)}${rest}`;
  const scope = (ref: AppRef): { appNamespace?: string; project?: string } => ({
    ...(ref.appNamespace ? { appNamespace: ref.appNamespace } : {}),
    ...(ref.project ? { project: ref.project } : {}),
  });
  const get = async (op: Operation, ref: AppRef, refresh?: string): Promise<Application> =>
    (await http.send(op, "GET", path(ref), {
      query: { ...scope(ref), ...(refresh ? { refresh } : {}) },
    })) as Application;
  return {
    url: http.url,
    send: (op, method, to, options) => http.send(op, method, to, options),
    token,
    applications: {
      async list(op, query) {
        const answer = await http.send(op, "GET", base, { query: { ...query } });
        return (answer as { items?: readonly Application[] | null }).items ?? [];
      },
      get: (op, ref, options) => get(op, ref, options?.refresh),
      create: async (op, app, options) =>
        (await http.send(op, "POST", base, { query: { ...options }, body: app })) as Application,
      updateSpec: async (op, ref, spec, options) =>
        (await http.send(op, "PUT", path(ref, "/spec"), {
          query: { ...scope(ref), ...options },
          body: spec,
        })) as ApplicationSpec,
      patch: async (op, ref, patch, patchType) =>
        (await http.send(op, "PATCH", path(ref), { body: { ...scope(ref), patch, patchType } })) as Application,
      delete: async (op, ref, options) =>
        void (await http.send(op, "DELETE", path(ref), { query: { ...scope(ref), ...options } })),
      sync: async (op, ref, request) =>
        (await http.send(op, "POST", path(ref, "/sync"), { body: { ...scope(ref), ...request } })) as Application,
      syncFiles: async (op, ref, request, { body, ...upload }) =>
        (await http.send(op, "POST", path(ref, "/sync/files"), {
          query: { ...scope(ref), ...upload },
          raw: chunked(request, body),
        })) as Application,
      rollback: async (op, ref, request) =>
        (await http.send(op, "POST", path(ref, "/rollback"), { body: { ...scope(ref), ...request } })) as Application,
      terminate: async (op, ref) =>
        void (await http.send(op, "DELETE", path(ref, "/operation"), { query: scope(ref) })),
      tree: async (op, ref) =>
        (await http.send(op, "GET", path(ref, "/resource-tree"), { query: scope(ref) })) as ApplicationTree,
      plan: async (op, ref, { resources, syncOptions, ...request }) =>
        (await http.send(op, "GET", path(ref, "/plan"), {
          query: { ...scope(ref), ...request, resource: resources, syncOption: syncOptions },
        })) as SyncPlanAnswer,
      async windows(op, ref) {
        try {
          return (await http.send(op, "GET", path(ref, "/syncwindows"), { query: scope(ref) })) as SyncWindowsAnswer;
        } catch (thrown) {
          if (["NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED"].includes(toError(thrown).code)) return undefined;
          throw thrown;
        }
      },
      logs: (op, ref, query) => http.open(op, path(ref, "/logs"), { ...scope(ref), ...query }),
      async waiting(op, ref) {
        try {
          return (await http.send(op, "GET", path(ref, "/waiting"), { query: scope(ref) })) as WaitingAnswer;
        } catch (thrown) {
          // Argo CD has no such path; an application that was never looked at waits for nothing yet.
          if (["NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED"].includes(toError(thrown).code))
            return { waitingFor: [] };
          throw thrown;
        }
      },
      async actions(op, ref, target) {
        const answer = await http.send(op, "GET", path(ref, "/resource/actions"), {
          query: { ...scope(ref), ...target },
        });
        return (answer as { actions?: readonly ResourceAction[] | null }).actions ?? [];
      },
      runAction: async (op, ref, { params, ...request }) =>
        void (await http.send(op, "POST", path(ref, "/resource/actions/v2"), {
          body: {
            name: ref.name,
            ...scope(ref),
            ...request,
            ...(params.length > 0 ? { resourceActionParameters: params } : {}),
          },
        })),
      drift: async (op, ref, filter) =>
        (await http.send(op, "GET", path(ref, "/drift"), {
          query: { ...scope(ref), ...filter },
        })) as DriftAnswer,
      async managedResources(op, ref) {
        const answer = await http.send(op, "GET", path(ref, "/managed-resources"), { query: scope(ref) });
        return (answer as { items?: readonly ManagedResource[] | null }).items ?? [];
      },
      manifests: async (op, ref, query = {}) =>
        (await http.send(op, "GET", path(ref, "/manifests"), {
          query: { ...scope(ref), ...query } as Query,
        })) as ManifestsAnswer,
      manifestsOfFiles: async (op, ref, { body, ...upload }) =>
        (await http.send(op, "POST", `${base}/manifestsWithFiles`, {
          query: { name: ref.name, ...scope(ref), ...upload },
          raw: body,
        })) as ManifestsAnswer,
      manifestsOfWanted: async (op, application, upload) => {
        const { body, ...query } = upload ?? { body: undefined };
        const raw = chunked({ application, files: upload !== undefined }, body);
        return (await http.send(op, "POST", `${base}/manifestsWithFiles`, { query, raw })) as ManifestsAnswer;
      },
      compare: async (op, ref, what) => {
        if (!("body" in what))
          return (await http.send(op, "GET", path(ref, "/diff"), {
            query: { ...scope(ref), ...what } as Query,
          })) as ComparisonAnswer;
        const { body, ...upload } = what;
        return (await http.send(op, "POST", path(ref, "/diff"), {
          query: { ...scope(ref), ...upload },
          raw: body,
        })) as ComparisonAnswer;
      },
      follow: (op, ref, options) => follow(op, ref, { http, clock, get, everyMs: options?.everyMs ?? 0 }),
      async withHealth(op, ref, app) {
        const resources = app.status?.resources ?? [];
        const known = resources.length === 0 || resources.some((item) => item.health !== undefined);
        if (known || app.status?.resourceHealthSource !== "appTree") return app;
        try {
          const tree = await http.send(op, "GET", path(ref, "/resource-tree"), { query: scope(ref) });
          return healthFrom(tree as ApplicationTree, app);
        } catch (thrown) {
          // It was deleted, or not looked at yet: what is known is shown.
          if (["NOT_FOUND", "FAILED_PRECONDITION"].includes(toError(thrown).code)) return app;
          throw thrown;
        }
      },
    },
    preview: (op, wanted, progress) => preview(op, http, wanted, progress),
    projects: {
      get: async (op, name) =>
        (await http.send(op, "GET", `/api/v1/projects/${encodeURIComponent(name)}`)) as AppProject,
    },
    session: {
      async login(op, username, password) {
        const answer = await http.send(op, "POST", "/api/v1/session", { body: { username, password } });
        const token = isObject(answer) ? answer["token"] : undefined;
        if (typeof token !== "string") throw new DriftlessError("UNAUTHENTICATED", "the server gave no token");
        return token;
      },
      logout: async (op) => void (await http.send(op, "DELETE", "/api/v1/session")),
      userInfo: async (op) => (await http.send(op, "GET", "/api/v1/session/userinfo")) as UserInfo,
    },
    version: async (op) => (await http.send(op, "GET", "/api/version")) as { Version?: string },
  };
}

function healthFrom(tree: ApplicationTree, app: Application): Application {
  const key = (item: { group?: string; kind: string; namespace?: string; name: string }): string =>
    `${item.group ?? ""}/${item.kind}/${item.namespace ?? ""}/${item.name}`;
  const healths = new Map((tree.nodes ?? []).map((node) => [key(node), node.health]));
  const resources = (app.status?.resources ?? []).map((item) => {
    const health = healths.get(key(item));
    return health === undefined ? item : { ...item, health };
  });
  return { ...app, status: { ...app.status, resources } };
}

/** A request and an archive as lines of JSON, as a gateway makes them of a stream of chunks. */
function chunked(query: object, files: RawBody | undefined): RawBody {
  const chunks = files ? [{ chunk: { chunk: Buffer.from(files.bytes).toString("base64") } }] : [];
  const lines = [{ query }, ...chunks].map((line) => `${JSON.stringify(line)}\n`).join("");
  return { type: "application/json", bytes: Buffer.from(lines) };
}

/** Reads the stream that a preview is answered as, to its result. Errors: those of the server. */
async function preview(
  op: Operation,
  http: Http,
  wanted: PreviewWish,
  progress: (done: number, total: number) => void,
): Promise<Preview> {
  const { head, ...rest } = wanted;
  const body = typeof head === "string" ? jsonBody({ ...rest, head }) : head.body;
  const query = typeof head === "string" ? {} : { ...rest, over: head.base };
  for await (const line of await http.open(op, "/api/v1/preview", { ...query, stream: true }, body)) {
    const event = line as Partial<{ progress: { done: number; total: number }; result: Preview; error: object }>;
    if (event.progress) progress(event.progress.done, event.progress.total);
    if (event.error) throw errorOf({ statusCode: 400 }, JSON.stringify(event.error), http.url);
    if (event.result) return event.result;
  }
  throw new DriftlessError("SERVER_UNREACHABLE", `the server ${http.url} ended the preview before it was done`);
}

interface FollowDeps {
  /** Read again after this long without an event; 0 for never. */
  readonly everyMs: number;
  readonly http: Http;
  readonly clock: Clock;
  get(op: Operation, ref: AppRef): Promise<Application>;
}

/**
 * A stream says nothing of what was deleted before it was opened, and reading tells nothing of what is deleted after: so
 * the stream is opened first, and then the application is read; after each cut again.
 */
async function* follow(op: Operation, ref: AppRef, deps: FollowDeps): AsyncIterable<ApplicationEvent> {
  let last: Application | undefined;
  for (let failures = 0; !op.signal.aborted; failures++) {
    const over = new AbortController();
    try {
      const inner: Operation = { ...op, signal: AbortSignal.any([op.signal, over.signal]) };
      const opening = openApplicationStream(inner, ref, deps.http);
      opening.catch(() => {});
      // Some servers open a stream only when there is something to say.
      await Promise.race([opening, pause(inner, deps.clock, openWithinMs)]);
      const now = await deps.get(op, ref);
      if (last !== undefined && last.metadata.uid !== now.metadata.uid) {
        yield { type: "DELETED", application: last };
        return;
      }
      last = now;
      yield { type: "MODIFIED", application: now };
      for await (const item of withPauses(
        await opening,
        () => pause(inner, deps.clock, deps.everyMs),
        deps.everyMs > 0,
      )) {
        if (item === paused) {
          last = await deps.get(op, ref);
          yield { type: "MODIFIED", application: last };
          continue;
        }
        const event = (item as { result?: ApplicationEvent }).result;
        if (!event?.application) continue;
        failures = 0;
        last = event.application;
        yield event;
        if (event.type === "DELETED") return;
      }
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "NOT_FOUND" && last !== undefined) {
        yield { type: "DELETED", application: last };
        return;
      }
      const lost = error.code === "SERVER_UNREACHABLE" && last !== undefined;
      if (!lost || op.signal.aborted || failures > 30) throw error;
    } finally {
      over.abort();
    }
    await pause(op, deps.clock, reconnectMs[Math.min(failures, reconnectMs.length - 1)]!);
  }
}

const paused = Symbol("paused");

/** The items, and `paused` wherever the wait ends before the next item comes. */
async function* withPauses(
  items: AsyncIterable<unknown>,
  wait: () => Promise<void>,
  pauses: boolean,
): AsyncIterable<unknown> {
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  for (;;) {
    const result = pauses ? await Promise.race([next, wait().then(() => paused)]) : await next;
    if (typeof result === "symbol") {
      yield paused;
      continue;
    }
    if (result.done) return;
    next = iterator.next();
    next.catch(() => {});
    yield result.value;
  }
}

function openApplicationStream(op: Operation, ref: AppRef, http: Http): Promise<AsyncIterable<unknown>> {
  const scope = ref.appNamespace ? { appNamespace: ref.appNamespace } : {};
  return http.open(op, "/api/v1/stream/applications", { name: ref.name, ...scope });
}

export function pause(op: Operation, clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      op.signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(delayMs, end);
    op.signal.addEventListener("abort", end);
  });
}
