// Calls of the session service.
import type { UserInfo } from "#protocol/rest.ts";
import { request } from "./client.ts";

export function logIn(username: string, password: string): Promise<unknown> {
  return request("/session", { method: "POST", body: { username, password } });
}

export function logOut(): Promise<unknown> {
  return request("/session", { method: "DELETE" });
}

export function whoAmI(): Promise<UserInfo> {
  return request("/session/userinfo");
}
