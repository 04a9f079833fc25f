// The session service: log in, log out, who am I. Names and semantics follow Argo CD's SessionService.
import { DriftlessError } from "#base/errors.ts";
import { SessionService } from "#protocol/gen/argoproj/session_pb.js";
import type { Metrics } from "#runtime/metrics.ts";
import { bind, open, type BoundService } from "../rpc/service.ts";
import type { Sessions } from "./sessions.ts";

export interface SessionServiceDeps {
  readonly sessions: Pick<Sessions, "login" | "revoke">;
  readonly metrics: Pick<Metrics, "counter">;
}

export function sessionService({ sessions, metrics }: SessionServiceDeps): BoundService {
  const logins = metrics.counter("argocd_login_request_total", "logins, by how they went", ["status"]);
  const counted = async (login: Promise<string>): Promise<string> => {
    const token = await login.catch((thrown: unknown) => {
      logins.inc({ status: "failure" });
      throw thrown;
    });
    logins.inc({ status: "success" });
    return token;
  };
  return bind(SessionService, {
    create: {
      access: open,
      async handle(call, { username = "", password = "" }) {
        if (username === "" || password === "") {
          throw new DriftlessError("INVALID_ARGUMENT", "username and password are required", {
            details: { field: "username" },
          });
        }
        const token = await counted(sessions.login(username, password, call.address));
        call.setSession?.(token);
        return { token };
      },
    },
    delete: {
      access: open,
      async handle(call) {
        if (call.account) await sessions.revoke(call.op, call.account);
        call.setSession?.("");
        return {};
      },
    },
    getUserInfo: {
      access: open,
      handle: ({ account }) => ({
        loggedIn: account !== undefined && account.kind !== "anonymous",
        username: account?.username ?? "",
        iss: account?.issuer ?? "",
        groups: account?.groups ?? [],
      }),
    },
  });
}
