// The AccountService of the protocol: local accounts, their passwords and tokens, and what the caller may do. Names and
// semantics follow Argo CD's AccountService.
import { DriftlessError } from "#base/errors.ts";
import { rbacActions } from "#core/policy/rbac-words.ts";
import { AccountService } from "#protocol/gen/argoproj/account_pb.js";
import type { LocalAccount } from "../auth/accounts.ts";
import { denied, type Rbac, type Resource } from "../auth/rbac.ts";
import type { Sessions } from "../auth/sessions.ts";
import { bind, session, type BoundService, type Call } from "../rpc/service.ts";

export interface AccountApiDeps {
  readonly rbac: Rbac;
  readonly sessions: Sessions;
}

const resources = Object.keys(rbacActions);
const actions = [...new Set(Object.values(rbacActions).flatMap((of) => Object.keys(of)))];

export function accountApi({ rbac, sessions }: AccountApiDeps): BoundService {
  const { accounts } = sessions;
  /** Everybody may read and change their own account. */
  const on =
    (action: "get" | "update") =>
    (call: Call, { name = "" }: { readonly name?: string }): void => {
      session(call);
      if (isOwn(call, name) || rbac.may(call.account, "accounts", action, name)) return;
      throw denied(call.account, ["accounts", action, name]);
    };
  return bind(AccountService, {
    canI: {
      access: session,
      handle({ account }, { resource = "", action = "", subresource = "" }) {
        const known = (list: readonly string[], value: string, what: string): void => {
          if (!list.includes(value))
            throw new DriftlessError(
              "INVALID_ARGUMENT",
              `${value} is not a valid ${what}, expected one of: ${list.join(", ")}`,
              {
                details: { field: what },
              },
            );
        };
        known(resources, resource, "resource");
        known(actions, action.split("/")[0]!, "action");
        return { value: rbac.may(account, resource as Resource, action, subresource) ? "yes" : "no" };
      },
    },
    listAccounts: {
      access: session,
      handle: (call) => ({
        items: accounts
          .list()
          .filter(({ name }) => rbac.may(call.account, "accounts", "get", name) || isOwn(call, name))
          .map(shown),
      }),
    },
    getAccount: { access: on("get"), handle: (_call, { name = "" }) => shown(accounts.get(name)) },
    updatePassword: {
      access: (call, { name }) => on("update")(call, { name: name || (call.account?.username ?? "") }),
      async handle({ op, account, address }, { name, currentPassword = "", newPassword = "" }) {
        const caller = account?.username ?? "";
        if (account?.kind !== "local")
          throw new DriftlessError(
            "INVALID_ARGUMENT",
            "password can only be changed for local users, not user with another issuer",
          );
        // Also for somebody else's account: whoever found an open session must not be able to lock its owner out.
        await sessions.checkPassword(caller, currentPassword, address);
        await accounts.setPassword(op, name || caller, newPassword);
        return {};
      },
    },
    createToken: {
      access: on("update"),
      async handle({ op }, { name = "", id, expiresIn = 0 }) {
        if (expiresIn < 0)
          throw new DriftlessError("INVALID_ARGUMENT", "expiresIn is negative", { details: { field: "expiresIn" } });
        return { token: await sessions.createToken(op, name, { ...(id ? { id } : {}), expiresInS: expiresIn }) };
      },
    },
    deleteToken: {
      access: on("update"),
      async handle({ op }, { name = "", id = "" }) {
        await accounts.removeToken(op, name, id);
        return {};
      },
    },
  });
}

const isOwn = ({ account }: Call, name: string): boolean => account?.kind === "local" && account.username === name;

function shown({ name, enabled, capabilities, tokens }: LocalAccount): object {
  return {
    name,
    enabled,
    capabilities,
    tokens: tokens.map(({ id, iat, exp }) => ({ id, issuedAt: iat, ...(exp === undefined ? {} : { expiresAt: exp }) })),
  };
}
