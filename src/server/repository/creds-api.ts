// The RepoCredsService of the protocol: credentials that every repository below a URL may use. Answers never hold what
// lets one in. Names and semantics follow Argo CD's RepoCredsService.
import { DriftlessError } from "#base/errors.ts";
import { RepoCredsService } from "#protocol/gen/argoproj/repocreds_pb.js";
import type { Rbac, Resource } from "../auth/rbac.ts";
import { bind, session, type BoundService, type Call, type Unary } from "../rpc/service.ts";
import { nameOfUrl } from "./api.ts";
import { shownFields, shownUrl, urlOf, type RepositoryFields, type RepositoryKind } from "./secrets.ts";
import type { RepositoryStore, StoredRepository } from "./store.ts";

export interface RepoCredsApiDeps {
  readonly rbac: Rbac;
  readonly repositories: RepositoryStore;
}

export function repoCredsApi(deps: RepoCredsApiDeps): BoundService {
  const read = methods(deps, "repo-creds", "repositories");
  const write = methods(deps, "repo-write-creds", "write-repositories");
  return bind(RepoCredsService, {
    listRepositoryCredentials: read.list,
    listWriteRepositoryCredentials: write.list,
    createRepositoryCredentials: read.create,
    createWriteRepositoryCredentials: write.create,
    updateRepositoryCredentials: read.update,
    updateWriteRepositoryCredentials: write.update,
    deleteRepositoryCredentials: read.remove,
    deleteWriteRepositoryCredentials: write.remove,
  });
}

interface Creds {
  readonly creds?: object;
  readonly upsert?: boolean;
}

interface Methods {
  readonly list: Unary<{ readonly url?: string }>;
  readonly create: Unary<Creds>;
  readonly update: Unary<Creds>;
  readonly remove: Unary<{ readonly url?: string }>;
}

function methods({ rbac, repositories }: RepoCredsApiDeps, kind: RepositoryKind, resource: Resource): Methods {
  const require = (call: Call, action: "create" | "update" | "delete", url: string): void => {
    session(call);
    rbac.require(call.account, resource, action, nameOfUrl(url));
  };
  const fieldsIn = ({ creds }: Creds): RepositoryFields => (creds ?? {}) as RepositoryFields;
  return {
    list: {
      access: session,
      handle: ({ account }, { url = "" }) => ({
        metadata: {},
        items: repositories
          .list(kind)
          .filter(
            ({ fields }) =>
              (url === "" || fields.url === url || shownUrl(fields.url) === url) &&
              rbac.may(account, resource, "get", nameOfUrl(fields.url)),
          )
          .map(shown),
      }),
    },
    create: {
      access: (call, request) => {
        const url = urlOf(fieldsIn(request));
        require(call, "create", url);
        if (request.upsert && repositories.find(kind, url)) require(call, "update", url);
      },
      handle: async ({ op }, request) =>
        shown(await repositories.create(op, kind, fieldsIn(request), request.upsert === true)),
    },
    update: {
      access: (call, request) => require(call, "update", urlOf(fieldsIn(request))),
      handle: async ({ op }, request) => shown(await repositories.update(op, kind, fieldsIn(request))),
    },
    remove: {
      access: (call, { url = "" }) => require(call, "delete", url),
      async handle({ op }, { url = "" }) {
        const found = repositories.find(kind, url);
        if (!found) throw new DriftlessError("NOT_FOUND", `repository credentials '${url}' not found`);
        await repositories.remove(op, found);
        return {};
      },
    },
  };
}

function shown({ fields }: StoredRepository): object {
  return { url: shownUrl(fields.url), ...shownFields(fields) };
}
