// The ProjectService of the protocol: projects, their roles' tokens, their windows and events. Names and semantics follow
// Argo CD's ProjectService.
import { DriftlessError, toError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { LostApplications } from "#controllers/application/controller.ts";
import { usersOf } from "#controllers/project/finalizers.ts";
import { globalProjectsOf, withGlobalProjects } from "#core/policy/global-projects.ts";
import { validateProject } from "#core/policy/validate-project.ts";
import { parseWindows, windowState } from "#core/policy/windows.ts";
import type { AppProject, Application } from "#model/application.ts";
import { apiVersion } from "#model/names.ts";
import type { Settings } from "#model/settings.ts";
import { ProjectService } from "#protocol/gen/argoproj/project_pb.js";
import type { Informer } from "#runtime/informer.ts";
import { eventsOf } from "../application/resources/objects.ts";
import { withHiddenCredentials, withKeptCredentials } from "../application/source-credentials.ts";
import type { Rbac } from "../auth/rbac.ts";
import { tokensOfRole, type Sessions } from "../auth/sessions.ts";
import { paged } from "../paging.ts";
import { bind, session, type BoundService, type Call } from "../rpc/service.ts";
import { refuseLosses, requireWidening, withoutInherited } from "./update.ts";
import { changeProject, projectMissing, projectType, type ProjectDeps } from "./changes.ts";

export interface ProjectApiDeps extends ProjectDeps {
  readonly clock: Clock;
  readonly applications: Informer<Application>;
  readonly rbac: Rbac;
  readonly sessions: Sessions;
  settings(): Settings;
  randomId(): string;
  /** Which applications a change of their project would leave without what they use now. */
  lostBy(change: { readonly before: AppProject; readonly after: AppProject }): LostApplications;
  /** What would hold if a project was written so. */
  outlook(project: AppProject): AppProject;
  /** What the settings put beside a project. */
  links(op: Op, project: AppProject): Promise<object>;
  /** Repositories and clusters that belong to a project, without their secrets. */
  ofProject(project: string): { readonly repositories: readonly object[]; readonly clusters: readonly object[] };
}

export function projectApi(deps: ProjectApiDeps): BoundService {
  const { projects, namespace, rbac, control, clock } = deps;
  const known = (name: string): AppProject | undefined => projects.get(namespace, name);
  const find = (name: string): AppProject => {
    const project = known(name);
    if (!project) throw projectMissing(name);
    return project;
  };
  const on =
    (action: "get" | "update" | "delete") =>
    (call: Call, request: { readonly name?: string; readonly project?: unknown }): void => {
      session(call);
      const name = typeof request.project === "string" ? request.project : (request.name ?? "");
      rbac.require(call.account, "projects", action, name);
    };
  const requireChange = (call: Call, existing: AppProject, wanted: AppProject): void => {
    on("update")(call, { name: existing.metadata.name ?? "" });
    requireWidening(rbac, call, existing, withoutInherited(wanted, existing, globals(existing)));
  };
  const globals = (project: AppProject): readonly AppProject[] =>
    globalProjectsOf(project, deps.settings().globalProjects, known);

  /** A project as it is to be written: what its answers hide of URLs is what stands there. */
  const written = (wanted: AppProject | undefined): AppProject => {
    const project = normalised(wanted, namespace);
    return withKeptCredentials(project, known(project.metadata.name ?? ""));
  };

  const keepingUses = (before: AppProject, after: AppProject): void =>
    refuseLosses(deps.lostBy({ before: deps.outlook(before), after: deps.outlook(after) }));

  return bind(ProjectService, {
    list: {
      access: session,
      handle(call) {
        const visible = [...projects.values()]
          .filter(({ metadata }) => rbac.may(call.account, "projects", "get", metadata.name ?? ""))
          .sort((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1));
        const page = paged(call, visible, ({ metadata, spec }) => [metadata.name ?? "", spec.description ?? ""]);
        return {
          metadata: { resourceVersion: projects.resourceVersion, ...page.metadata },
          items: page.items.map(shown),
        };
      },
    },
    get: { access: on("get"), handle: (_call, { name = "" }) => shown(find(name)) },
    getDetailedProject: {
      access: on("get"),
      handle: (_call, { name = "" }) => {
        const project = find(name);
        const inherited = globals(project);
        const holding = shown(withGlobalProjects(project, inherited));
        return { globalProjects: inherited.map(shown), project: holding, ...deps.ofProject(name) };
      },
    },
    getGlobalProjects: {
      access: on("get"),
      handle: (_call, { name = "" }) => ({ items: globals(find(name)).map(shown) }),
    },
    create: {
      access: (call, request) => {
        const wanted = written(request.project as unknown as AppProject);
        const name = wanted.metadata.name!;
        session(call);
        rbac.require(call.account, "projects", "create", name);
        const existing = request.upsert ? known(name) : undefined;
        if (existing) requireChange(call, existing, wanted);
      },
      async handle({ op }, request) {
        const wanted = valid(written(request.project as unknown as AppProject));
        try {
          const created = (await control.create(op, projectType, wanted, { fieldManager: "driftless" })) as AppProject;
          projects.observe(created);
          return shown(created);
        } catch (thrown) {
          if (toError(thrown).code !== "ALREADY_EXISTS") throw thrown;
          const existing = find(wanted.metadata.name!);
          if (sameJson(existing.spec, wanted.spec)) return shown(existing);
          if (!request.upsert)
            throw new DriftlessError(
              "ALREADY_EXISTS",
              `existing project spec is different, use upsert flag to force update (project ${wanted.metadata.name})`,
            );
          return shown(
            await changeProject(op, deps, wanted.metadata.name!, (now) => {
              const after = { ...now, spec: withoutInherited(wanted, now, globals(now)).spec };
              keepingUses(now, after);
              return after;
            }),
          );
        }
      },
    },
    update: {
      access: (call, request) => {
        const wanted = request.project as unknown as AppProject | undefined;
        const name = wanted?.metadata?.name ?? "";
        on("update")(call, { name });
        const existing = known(name);
        if (existing) requireChange(call, existing, written(wanted));
      },
      async handle({ op }, request) {
        const given = written(request.project as unknown as AppProject);
        return shown(
          await changeProject(op, deps, given.metadata.name!, (now) => {
            const labelled = {
              ...now,
              metadata: { ...now.metadata, labels: given.metadata.labels ?? now.metadata.labels },
            };
            const wanted = valid(withoutInherited(given, now, globals(labelled)));
            const outlook = { ...labelled, spec: wanted.spec } as AppProject;
            keepingUses(now, outlook);
            const { labels, annotations, finalizers } = wanted.metadata;
            return {
              ...now,
              spec: wanted.spec,
              metadata: {
                ...now.metadata,
                ...(labels ? { labels } : {}),
                ...(annotations ? { annotations } : {}),
                ...(finalizers ? { finalizers } : {}),
              },
            };
          }),
        );
      },
    },
    delete: {
      access: on("delete"),
      async handle({ op }, { name = "" }) {
        if (name === "default")
          throw new DriftlessError("INVALID_ARGUMENT", "name 'default' is reserved and cannot be deleted");
        const users = usersOf(deps.applications.values(), find(name), namespace);
        if (users.length > 0)
          throw new DriftlessError(
            "FAILED_PRECONDITION",
            `project is referenced by ${users.length} applications (${users
              .slice(0, 5)
              .map(({ metadata }) => metadata.name)
              .join(", ")}${users.length > 5 ? ", …" : ""})`,
          );
        await control.delete(op, projectType, { namespace, name });
        return {};
      },
    },
    createToken: {
      access: on("update"),
      handle: ({ op }, request) => createToken(op, deps, request),
    },
    deleteToken: {
      access: on("update"),
      async handle({ op }, { project = "", role = "", iat, id }) {
        await changeProject(op, deps, project, (now) => {
          const isIt = (token: { id?: string; iat: number }): boolean => (id ? token.id === id : token.iat === iat);
          if (!tokensOfRole(now, role).some(isIt))
            throw new DriftlessError("NOT_FOUND", `role '${role}' of project '${project}' has no such token`);
          return withTokens(now, role, (tokens) => tokens.filter((token) => !isIt(token)));
        });
        return {};
      },
    },
    listEvents: {
      access: on("get"),
      handle: ({ op }, { name = "" }) => eventsOf(control, op, find(name).metadata),
    },
    listLinks: {
      access: on("get"),
      handle: ({ op }, { name = "" }) => deps.links(op, find(name)),
    },
    getSyncWindowsState: {
      access: on("get"),
      handle(_call, { name = "" }) {
        const { spec } = find(name);
        const { windows, problems } = parseWindows(spec.syncWindows);
        // One that nobody can make out says nothing here: it is no window to show as open.
        const unusable = new Set(problems.map(({ index }) => index));
        const open = (index: number): boolean => !unusable.has(index) && windowState(windows[index]!, clock.now()).open;
        return { windows: (spec.syncWindows ?? []).filter((_raw, index) => open(index)) };
      },
    },
  });
}

interface Token {
  readonly iat: number;
  readonly exp?: number;
  readonly id?: string;
}

interface TokenRequest {
  readonly project?: string;
  readonly role?: string;
  readonly expiresIn?: number;
  readonly id?: string;
}

async function createToken(op: Op, deps: ProjectApiDeps, request: TokenRequest): Promise<{ token: string }> {
  const { project: name = "", role = "", expiresIn = 0 } = request;
  if (expiresIn < 0)
    throw new DriftlessError("INVALID_ARGUMENT", "expiresIn is negative", { details: { field: "expiresIn" } });
  const id = request.id || deps.randomId();
  const iat = Math.floor(deps.clock.now() / 1000);
  await changeProject(op, deps, name, (now) => {
    if (!(now.spec.roles ?? []).some((each) => each["name"] === role))
      throw new DriftlessError("NOT_FOUND", `role '${role}' does not exist in project '${name}'`);
    if (tokensOfRole(now, role).some((token) => token.id === id))
      throw new DriftlessError("ALREADY_EXISTS", `role '${role}' already has a token with id '${id}'`);
    return withTokens(now, role, (tokens) => [
      ...tokens,
      { iat, id, ...(expiresIn > 0 ? { exp: iat + expiresIn } : {}) },
    ]);
  });
  return { token: await deps.sessions.signProjectToken(name, role, { id, iat, expiresInS: expiresIn }) };
}

/** Tokens stand in the status; where older versions kept them in the spec, they are changed there as well. */
function withTokens(
  project: AppProject,
  role: string,
  change: (tokens: readonly Token[]) => readonly Token[],
): AppProject {
  const status = (project["status"] ?? {}) as { jwtTokensByRole?: Record<string, { items?: readonly Token[] }> };
  const items = change(status.jwtTokensByRole?.[role]?.items ?? []);
  const roles = project.spec.roles?.map((each) => {
    const inSpec = each["jwtTokens"] as readonly Token[] | undefined;
    if (each["name"] !== role || inSpec === undefined) return each;
    const kept = change(inSpec).filter((token) => inSpec.includes(token));
    return { ...each, jwtTokens: kept as never };
  });
  return {
    ...project,
    ...(roles ? { spec: { ...project.spec, roles } } : {}),
    status: { ...status, jwtTokensByRole: { ...status.jwtTokensByRole, [role]: { items } } },
  };
}

/** A project as it will be written. Error: INVALID_ARGUMENT. */
function normalised(project: AppProject | undefined, namespace: string): AppProject {
  const name = project?.metadata?.name ?? "";
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) || name.length > 63)
    throw new DriftlessError("INVALID_ARGUMENT", `the name ${JSON.stringify(name)} of the project is not a DNS name`, {
      details: { field: "metadata.name" },
    });
  const { labels, annotations, finalizers } = project!.metadata;
  return {
    apiVersion,
    kind: "AppProject",
    metadata: {
      name,
      namespace,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
    },
    spec: project!.spec ?? {},
  };
}

function valid(project: AppProject): AppProject {
  const [first, ...others] = validateProject(project);
  if (!first) return project;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  throw new DriftlessError("INVALID_ARGUMENT", `${first.field}: ${first.why}${more}`, {
    details: { field: first.field },
  });
}

function shown(project: AppProject): AppProject {
  const { managedFields: _managed, ...metadata } = project.metadata;
  return withHiddenCredentials({ ...project, metadata });
}
