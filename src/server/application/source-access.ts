// Who may read a source for an application that is there, or is about to be: nobody reads a repository with the server's
// credentials by naming another application or project. Follows Argo CD's rules for GetAppDetails and ListApps.
import { DriftlessError } from "#base/errors.ts";
import { isObject, sameJson, type Json } from "#base/json.ts";
import { redactUrls } from "#base/redact.ts";
import { isSourcePermitted } from "#core/policy/project.ts";
import { sourcesOf, type Application, type ApplicationSource, type AppProject } from "#model/application.ts";
import { hidden } from "../auth/hidden.ts";
import type { Rbac } from "../auth/rbac.ts";
import { session, type Call } from "../rpc/service.ts";
import type { ApplicationAccess } from "./access.ts";
import type { ApplicationQueries } from "./queries.ts";
import { hiddenIn } from "./source-credentials.ts";

interface SourceAccessDeps {
  readonly access: ApplicationAccess;
  readonly rbac: Rbac;
  readonly queries: ApplicationQueries;
  readonly namespace: string;
  project(name: string): AppProject | undefined;
}

interface Asked {
  readonly source: ApplicationSource;
  /** `name`, or `namespace/name`. */
  readonly appName?: string;
  readonly appProject?: string;
}

/** Errors: UNAUTHENTICATED, PERMISSION_DENIED. */
export function requireSource(deps: SourceAccessDeps, call: Call, { source, appName = "", appProject }: Asked): void {
  session(call);
  const { account } = call;
  const projectName = appProject || "default";
  const slash = appName.indexOf("/");
  const [namespace, name] = slash < 0 ? [deps.namespace, appName] : [appName.slice(0, slash), appName.slice(slash + 1)];
  const app = deps.queries.known({ metadata: { name, namespace } } as Application);
  if (app) {
    if (!deps.access.may(account, "get", app)) throw hidden();
    if ((app.spec.project || "default") !== projectName || !hasSource(app, source)) throw hidden();
  } else {
    const object = `${projectName}/${appName}`;
    deps.rbac.require(account, "applications", "create", object);
  }
  const project = deps.project(projectName);
  if (!project || !isSourcePermitted(project.spec, source.repoURL))
    throw new DriftlessError(
      "PERMISSION_DENIED",
      `repository '${source.repoURL}' not permitted in project '${projectName}'`,
    );
}

/** Whether an application has or had this source; one that names only the repository asks of any in it. */
function hasSource(app: Application, wanted: ApplicationSource): boolean {
  const history = app.status?.history ?? [];
  const all = [
    ...sourcesOf(app.spec),
    ...history.flatMap(({ source, sources }) => sources ?? (source ? [source] : [])),
  ];
  const asked = bare(wanted as unknown as Json);
  const onlyRepository = isObject(asked) && Object.keys(asked).length === 1;
  return all.some((source) =>
    onlyRepository
      ? source.repoURL === wanted.repoURL || redactUrls(source.repoURL) === wanted.repoURL
      : [source, hiddenIn(source)].some((one) => sameJson(bare(one as unknown as Json), asked)),
  );
}

/** Without what is empty: the same source may have been written with it or without. */
function bare(value: Json): Json | undefined {
  if (value === "" || value === false || value === null) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item: Json) => bare(item) ?? item);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).flatMap(([key, item]) => {
    const left = item === undefined ? undefined : bare(item);
    return left === undefined ? [] : [[key, left] as const];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
