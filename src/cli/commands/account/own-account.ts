// Whose account a command is about: the one that a flag names, else that of whoever is logged in.
import type { Context } from "../../context.ts";

export async function accountOr(context: Context, named: string): Promise<string> {
  if (named !== "") return named;
  return (await (await context.api()).session.userInfo(context.op)).username ?? "";
}
