// The RepositoryService of the protocol: repositories and what stands in them, kept as Argo CD's Secrets. Answers never
// hold what lets one in. Names and semantics follow Argo CD's RepositoryService.
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { rfc3339, type Clock } from "#base/ports.ts";
import type { Sources } from "#controllers/application/desired/sources.ts";
import type { ApplicationSource } from "#model/application.ts";
import { splitCredentials } from "#git/urls.ts";
import { RepositoryService } from "#protocol/gen/argoproj/repository_pb.js";
import { hidden, requireFound } from "../auth/hidden.ts";
import type { Rbac, Resource } from "../auth/rbac.ts";
import { paged } from "../paging.ts";
import { bind, session, type BoundService, type Call, type Unary } from "../rpc/service.ts";
import { appsIn, detailsOf } from "./details.ts";
import { shownFields, shownUrl, urlOf, withKept, type RepositoryFields, type RepositoryKind } from "./secrets.ts";
import type { RepositoryStore, StoredRepository } from "./store.ts";

/** What is asked of repositories themselves; fields hold what lets one in. */
export interface RepositoryProbe {
  /** Whether a repository can be read. Errors: REPOSITORY_UNREACHABLE and others, with the server's words. */
  test(op: Op, fields: RepositoryFields): Promise<void>;
  refs(
    op: Op,
    url: string,
    project: string,
  ): Promise<{ readonly branches: readonly string[]; readonly tags: readonly string[] }>;
  /** Tags of an OCI artifact. */
  tags(op: Op, url: string, project: string): Promise<readonly string[]>;
  charts(
    op: Op,
    url: string,
    project: string,
  ): Promise<readonly { readonly name: string; readonly versions: readonly string[] }[]>;
}

export interface RepositoryApiDeps {
  readonly clock: Clock;
  readonly rbac: Rbac;
  readonly repositories: RepositoryStore;
  readonly probe: RepositoryProbe;
  sources(): Sources;
  /** Names of the config management plugins that are there now. */
  plugins(op: Op): Promise<readonly string[]>;
  /** Whether the caller may read this source for an application of that name. Errors: PERMISSION_DENIED, NOT_FOUND. */
  requireSource(call: Call, asked: SourceAsked): void;
  /** Credentials that a template would lend a repository; undefined: none. */
  inherited(url: string): RepositoryFields | undefined;
}

/** A source, and the application that it is for, whether that is there or not. */
export interface SourceAsked {
  readonly source: ApplicationSource;
  readonly appName?: string;
  readonly appProject?: string;
  readonly sourceIndex?: number;
  readonly versionId?: number;
}

function sourceIn(source: unknown): ApplicationSource {
  if (isObject(source) && typeof source["repoURL"] === "string" && source["repoURL"] !== "")
    return source as unknown as ApplicationSource;
  throw new DriftlessError("INVALID_ARGUMENT", "missing payload in request: source with its repoURL", {
    details: { field: "source" },
  });
}

interface Asked {
  readonly repo?: string;
  readonly appProject?: string;
  readonly forceRefresh?: boolean;
}

const testWithinMs = 15_000;
/** A connection's state is asked for again after this. */
const stateForMs = 60_000;

type ConnectionState = {
  readonly status: "Successful" | "Failed";
  readonly message: string;
  readonly attemptedAt: string;
};

export function repositoryApi(deps: RepositoryApiDeps): BoundService {
  const read = new Repositories(deps, "repository", "repositories");
  const write = new Repositories(deps, "repository-write", "write-repositories");
  const { probe } = deps;
  const get = (call: Call, request: Asked): void => void read.require(call, "get", request);
  /** As it stands: what a client names need not say user and password. */
  const urlAt = (call: Call, request: Asked): string => read.require(call, "get", request).fields.url;
  return bind(RepositoryService, {
    list: read.list(),
    listRepositories: read.list(),
    listWriteRepositories: write.list(),
    get: read.get(),
    getWrite: write.get(),
    create: read.create(),
    createRepository: read.create(),
    createWriteRepository: write.create(),
    update: read.update(),
    updateRepository: read.update(),
    updateWriteRepository: write.update(),
    delete: read.delete(),
    deleteRepository: read.delete(),
    deleteWriteRepository: write.delete(),
    validateAccess: read.validate(),
    validateWriteAccess: write.validate(),
    listRefs: {
      access: get,
      handle: (call, request) => probe.refs(call.op, urlAt(call, request), request.appProject ?? ""),
    },
    listOCITags: {
      access: get,
      handle: async (call, request) => ({
        tags: await probe.tags(call.op, urlAt(call, request), request.appProject ?? ""),
      }),
    },
    listApps: {
      access: (call, { repo = "", appName = "", appProject = "" }) => {
        read.requireKnown(call, { repo, appProject });
        deps.requireSource(call, { source: { repoURL: repo }, appName, appProject });
      },
      handle: async ({ op }, { repo = "", revision = "", appProject = "" }) => ({
        items: await appsIn(op, deps.sources().open(repo, appProject || "default"), revision),
      }),
    },
    getAppDetails: {
      access: (call, request) => {
        const wanted = { ...request, source: sourceIn(request.source) };
        read.requireKnown(call, { repo: wanted.source.repoURL, appProject: request.appProject ?? "" });
        deps.requireSource(call, wanted);
      },
      handle: async ({ op }, { source, appName = "", appProject = "" }) => {
        const asked = { source: sourceIn(source), appName, project: appProject || "default" };
        return detailsOf(op, deps.sources(), asked, (await deps.plugins(op)).length > 0);
      },
    },
    getHelmCharts: {
      access: get,
      handle: async (call, request) => ({
        items: await probe.charts(call.op, urlAt(call, request), request.appProject ?? ""),
      }),
    },
  });
}

/** The methods of one kind of repository: for reading, or for writing. */
class Repositories {
  readonly #deps: RepositoryApiDeps;
  readonly #kind: RepositoryKind;
  readonly #resource: Resource;
  readonly #states = new Map<
    string,
    { readonly untilMs: number; readonly version: string; readonly state: Promise<ConnectionState> }
  >();

  constructor(deps: RepositoryApiDeps, kind: RepositoryKind, resource: Resource) {
    this.#deps = deps;
    this.#kind = kind;
    this.#resource = resource;
  }

  /** The repository, where the caller may do this to it; what does not exist and what one may not see have one answer. */
  require(call: Call, action: "get" | "update" | "delete", { repo = "", appProject = "" }: Asked): StoredRepository {
    session(call);
    const { rbac, repositories } = this.#deps;
    return requireFound(rbac, call.account, {
      resource: this.#resource,
      action,
      all: "*",
      find: () => {
        const found = repositories.find(this.#kind, repo, appProject);
        if (!found) throw new DriftlessError("NOT_FOUND", `repo '${repo}' not found`);
        return found;
      },
      objectOf: ({ fields }) => objectOf(fields),
    });
  }

  /** The same for reading one that may not be configured, since nothing is needed for it. */
  requireKnown(call: Call, asked: Required<Pick<Asked, "repo" | "appProject">>): void {
    session(call);
    const { rbac, repositories } = this.#deps;
    if (repositories.find(this.#kind, asked.repo, asked.appProject)) this.require(call, "get", asked);
    else if (!rbac.may(call.account, this.#resource, "get", nameOfUrl(asked.repo))) throw hidden();
  }

  list(): Unary<Asked> {
    return {
      access: session,
      handle: async (call, { appProject = "", forceRefresh }) => {
        const { rbac, repositories } = this.#deps;
        const visible = repositories
          .list(this.#kind)
          .filter(
            ({ fields }) =>
              (appProject === "" || fields["project"] === appProject) &&
              rbac.may(call.account, this.#resource, "get", objectOf(fields)),
          );
        const page = paged(call, visible, ({ fields }) => {
          // A URL's password is nobody's to search for, nor part of a page's token.
          const url = nameOfUrl(textOf(fields["url"]));
          return [`${url} ${textOf(fields["project"])}`, textOf(fields["name"])];
        });
        return {
          metadata: page.metadata,
          items: await Promise.all(page.items.map((each) => this.#shown(call.op, each, forceRefresh === true))),
        };
      },
    };
  }

  get(): Unary<Asked> {
    return {
      access: (call, request) => void this.require(call, "get", request),
      handle: (call, request) =>
        this.#shown(call.op, this.require(call, "get", request), request.forceRefresh === true),
    };
  }

  create(): Unary<{ readonly repo?: object; readonly upsert?: boolean; readonly credsOnly?: boolean }> {
    return {
      access: (call, { repo, upsert }) => {
        const fields = (repo ?? {}) as RepositoryFields;
        this.#requireWanted(call, "create", fields);
        if (upsert && this.#deps.repositories.find(this.#kind, urlOf(fields), projectOf(fields)))
          this.#requireWanted(call, "update", fields);
      },
      handle: async ({ op }, { repo, upsert, credsOnly }) => {
        const fields = withUrl((repo ?? {}) as RepositoryFields);
        const known = this.#deps.repositories.find(this.#kind, fields.url, projectOf(fields));
        if (!credsOnly) await this.#test(op, withKept(fields, known?.fields));
        const stored = await this.#deps.repositories.create(op, this.#kind, fields, upsert === true);
        return this.#shown(op, stored, false);
      },
    };
  }

  update(): Unary<{ readonly repo?: object }> {
    return {
      access: (call, { repo }) => {
        const fields = (repo ?? {}) as RepositoryFields;
        this.require(call, "update", { repo: urlOf(fields), appProject: projectOf(fields) });
        this.#requireWanted(call, "update", fields);
      },
      handle: async ({ op }, { repo }) =>
        this.#shown(
          op,
          await this.#deps.repositories.update(op, this.#kind, withUrl((repo ?? {}) as RepositoryFields)),
          true,
        ),
    };
  }

  delete(): Unary<Asked> {
    return {
      access: (call, request) => void this.require(call, "delete", request),
      handle: async (call, request) => {
        await this.#deps.repositories.remove(call.op, this.require(call, "delete", request));
        return {};
      },
    };
  }

  validate(): Unary<{ readonly repo?: string }> {
    return {
      access: (call, request) => this.#requireWanted(call, "create", request),
      handle: async ({ op }, request) => {
        const { enableOci, insecureOciForceHttp, ...rest } = request as RepositoryFields;
        await this.#test(op, withUrl({ ...rest, enableOCI: enableOci, insecureOCIForceHttp: insecureOciForceHttp }));
        return {};
      },
    };
  }

  #requireWanted(call: Call, action: "create" | "update", fields: RepositoryFields): void {
    session(call);
    const object = objectOf({ ...fields, url: urlOf(fields) });
    this.#deps.rbac.require(call.account, this.#resource, action, object);
  }

  /** With the credentials that a template lends, where it has none of its own. */
  async #test(op: Op, fields: RepositoryFields): Promise<void> {
    const late = this.#within(op);
    try {
      await this.#deps.probe.test(late.op, { ...this.#deps.inherited(urlOf(fields)), ...given(fields) });
    } catch (thrown) {
      if (late.expired())
        throw new DriftlessError(
          "REPOSITORY_UNREACHABLE",
          `${urlOf(fields)} gave no answer within ${testWithinMs / 1000} s`,
        );
      throw thrown;
    } finally {
      late.end();
    }
  }

  #within(op: Op): { readonly op: Op; expired(): boolean; end(): void } {
    const late = new AbortController();
    const cancel = this.#deps.clock.after(testWithinMs, () => late.abort());
    return {
      op: { ...op, signal: AbortSignal.any([op.signal, late.signal]) },
      expired: () => late.signal.aborted,
      end: cancel,
    };
  }

  async #shown(op: Op, { fields, secret }: StoredRepository, anew: boolean): Promise<object> {
    const inherits =
      this.#deps.inherited(fields.url) !== undefined &&
      fields["password"] === undefined &&
      fields["sshPrivateKey"] === undefined;
    return {
      repo: shownUrl(fields.url),
      ...shownFields(fields),
      ...(inherits ? { inheritedCreds: true } : {}),
      connectionState: await this.#state(op, { fields, secret }, anew),
    };
  }

  /** Asked once a minute for each, whoever looks. */
  #state(op: Op, { fields, secret }: StoredRepository, anew: boolean): Promise<ConnectionState> {
    const { clock } = this.#deps;
    const key = secret.metadata.uid ?? secret.metadata.name ?? "";
    const version = secret.metadata.resourceVersion ?? "";
    const known = this.#states.get(key);
    if (!anew && known && known.version === version && known.untilMs > clock.monotonic()) return known.state;
    const state = this.#test(op, fields).then(
      (): ConnectionState => ({ status: "Successful", message: "", attemptedAt: rfc3339(clock.now()) }),
      (thrown: unknown): ConnectionState => ({
        status: "Failed",
        message: toError(thrown).message,
        attemptedAt: rfc3339(clock.now()),
      }),
    );
    this.#states.set(key, { untilMs: clock.monotonic() + stateForMs, version, state });
    return state;
  }
}

const projectOf = (fields: RepositoryFields): string =>
  typeof fields["project"] === "string" ? fields["project"] : "";

/** RBAC's name of a repository: its URL without user and password, with the project that it belongs to in front. */
function objectOf(fields: RepositoryFields & { readonly url?: unknown }): string {
  const url = nameOfUrl(urlOf(fields));
  const project = projectOf(fields);
  return project === "" ? url : `${project}/${url}`;
}

/** How RBAC, searches and pages call a repository: a password is nobody's to write into a policy, or to search for. */
export function nameOfUrl(url: string): string {
  return splitCredentials(url).url;
}

function withUrl(fields: RepositoryFields): RepositoryFields & { readonly url: string } {
  return { ...fields, url: urlOf(fields) };
}

function given(fields: RepositoryFields): RepositoryFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
