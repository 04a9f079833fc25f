// Commands on the tokens of a project's role. A token is shown once, when it is made.
import { DriftlessError } from "#base/errors.ts";
import { agreed } from "../../../asking.ts";
import { command } from "../../../command.ts";
import { bool, text } from "../../../flags.ts";
import { roleOf, tokensOf } from "../../../server/project-change.ts";
import { projects } from "../../../server/services.ts";
import { claimsOf, lifetime } from "../../../server/tokens.ts";
import { table } from "../../../view/table.ts";
import { timeOrNever } from "../../../view/times.ts";

export const createToken = command({
  usage: "PROJECT ROLE-NAME",
  examples: [
    ["For three months", "driftless proj role create-token payments ci --expires-in 90d"],
    ["Only the token, for a script", "driftless proj role create-token payments ci --token-only"],
  ],
  flags: {
    "expires-in": text("How long it is to last: 12h, 7d; for ever unless told", { short: "e" }),
    id: text("Name of the token; a random one unless told", { short: "i" }),
    "token-only": bool("Print nothing but the token", { short: "t" }),
  },
  args: { min: 2, max: 2 },
  async run(context, { values, args }) {
    const [project, role] = args as [string, string];
    const body = { id: values.id, expiresIn: lifetime(values["expires-in"] || "0s") };
    const token = await projects.createToken(context.op, await context.api(), { project, role }, body);
    if (values["token-only"]) {
      context.out.line(token);
      return;
    }
    const { sub, jti, iat, exp } = claimsOf(token);
    context.out.write(
      [
        `Create token succeeded for ${sub}.\n`,
        `  ID: ${jti}\n  Issued At: ${timeOrNever(iat)}\n  Expires At: ${timeOrNever(exp)}\n`,
        `  Token: ${token}\n`,
      ].join(""),
    );
  },
});

export const listTokens = command({
  usage: "PROJECT ROLE-NAME",
  examples: [
    ["The tokens of a role", "driftless proj role list-tokens payments ci"],
    ["With times as delete-token takes them", "driftless proj role list-tokens payments ci --unixtime"],
  ],
  flags: { unixtime: bool("Times as seconds since 1970", { short: "u" }) },
  args: { min: 2, max: 2 },
  async run(context, { values, args }) {
    const [name, role] = args as [string, string];
    const project = await projects.get(context.op, await context.api(), name);
    roleOf(project, role);
    const tokens = tokensOf(project, role);
    if (tokens.length === 0) {
      context.out.line(`No tokens for ${name}.${role}`);
      return;
    }
    const time = (seconds: number): string => (values.unixtime ? String(seconds) : timeOrNever(seconds));
    const rows = tokens.map(({ id = "", iat, exp = 0 }) => [`${id}  `, `${time(iat)}  `, time(exp)]);
    context.out.write(table([["ID  ", "ISSUED AT  ", "EXPIRES AT"], ...rows]));
  },
});

export const deleteToken = command({
  usage: "PROJECT ROLE-NAME ISSUED-AT",
  about:
    "ISSUED-AT is the time in seconds since 1970 that list-tokens --unixtime shows. The token is refused from then on.",
  examples: [["A token", "driftless proj role delete-token payments ci 1767225600"]],
  flags: {},
  args: { min: 3, max: 3 },
  async run(context, { given, args }) {
    const [project, role, written] = args as [string, string, string];
    if (!/^\d+$/.test(written))
      throw new DriftlessError("INVALID_ARGUMENT", `"${written}" is not a time in seconds: see list-tokens --unixtime`);
    if (!(await agreed(context, given, `Are you sure you want to delete '${written}' project token? [y/n]`))) {
      context.out.line(`The command to delete project token '${written}' was cancelled.`);
      return;
    }
    await projects.deleteToken(context.op, await context.api(), { project, role, issuedAt: Number(written) });
  },
});
