// The session service: log in, log out, who am I. Names and semantics follow Argo CD's SessionService.
import { DriftlessError } from "#base/errors.ts";
import { SessionService } from "#protocol/gen/argoproj/session_pb.js";
import { bind, open, type BoundService } from "../rpc/service.ts";
import type { Sessions } from "./sessions.ts";

export function sessionService(sessions: Sessions): BoundService {
  return bind(SessionService, {
    create: {
      access: open,
      async handle(call, { username = "", password = "" }) {
        if (username === "" || password === "") {
          throw new DriftlessError("INVALID_ARGUMENT", "username and password are required", {
            details: { field: "username" },
          });
        }
        const token = await sessions.login(username, password, call.address);
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
