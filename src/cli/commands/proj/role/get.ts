// `driftless proj role get`: a role with its policies, groups and tokens (not the tokens themselves).
import { command } from "../../../command.ts";
import { roleOf, tokensOf } from "../../../server/project-change.ts";
import { projects } from "../../../server/services.ts";
import { oneLine, table } from "../../../view/table.ts";
import { humanTime } from "../../../view/times.ts";

export default command({
  usage: "PROJECT ROLE-NAME",
  examples: [["What a role may do", "driftless proj role get payments ci"]],
  flags: {},
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    const [name, roleName] = args as [string, string];
    const project = await projects.get(context.op, await context.api(), name);
    const { description = "", policies = [], groups = [] } = roleOf(project, roleName);
    const now = context.clock.now();
    const rows = tokensOf(project, roleName).map(({ iat, exp = 0 }) => [
      String(iat),
      humanTime(iat, now),
      exp > 0 ? humanTime(exp, now) : "<none>",
    ]);
    const own = `p, proj:${name}:${roleName}, projects, get, ${name}, allow`;
    context.out.write(
      [
        `${"Role Name:".padEnd(15)}${roleName}\n`,
        `${"Description:".padEnd(15)}${oneLine(description)}\n`,
        `Policies:\n${[own, ...policies].map((policy) => `${oneLine(policy)}\n`).join("")}`,
        `Groups:\n${groups.length === 0 ? "<none>\n" : groups.map((group) => `  - ${oneLine(group)}\n`).join("")}`,
        `JWT Tokens:\n${table([["ID", "ISSUED-AT", "EXPIRES-AT"], ...rows])}`,
      ].join(""),
    );
  },
});
