// `driftless admin app get-reconcile-results`: what is known of every application's state, as a file: to compare two times, or
// two versions of the program.
import { writeFileSync } from "node:fs";
import { DriftlessError } from "#base/errors.ts";
import type { Application } from "#model/application.ts";
import { targetFlags } from "../../../admin/flags.ts";
import { onCluster, types } from "../../../admin/target.ts";
import { command } from "../../../command.ts";
import type { Context } from "../../../context.ts";
import { bool, duration, text, type FlagValues, type Flags } from "../../../flags.ts";
import { document } from "../../../view/print.ts";

const flags = {
  ...targetFlags,
  l: text("Selector by labels"),
  o: text("Format of the file: yaml, json", { fallback: "yaml", choices: ["yaml", "json"] }),
  refresh: bool("Reconcile every application anew, in this process; nothing is written to the cluster"),
  "repo-server": text("Accepted: there is none, this process renders", { hidden: true }),
  "server-side-diff": bool("Accepted: each application is compared as it says", { hidden: true }),
  "ignore-normalizer-jq-execution-timeout": duration("Accepted: the settings say how long", {
    hidden: true,
    fallback: 1000,
  }),
} as const satisfies Flags;

export default command({
  usage: "PATH",
  about: "Without --refresh, the states that the controller wrote.",
  examples: [
    ["As the controller sees it", "driftless admin app get-reconcile-results before.yaml -n argocd"],
    ["As this version would", "driftless admin app get-reconcile-results after.yaml --refresh -n argocd"],
  ],
  flags,
  args: { min: 1, max: 1 },
  async run(context, { values, args }) {
    const found = values.refresh ? await reconciled(context, values) : await written(context, values);
    const applications = found.map(({ metadata, status }) => ({
      name: metadata.name,
      health: status?.health ?? null,
      sync: status?.sync ?? null,
      conditions: status?.conditions ?? null,
    }));
    const content = await document({ applications }, values.o as "yaml" | "json");
    try {
      writeFileSync(args[0]!, content);
    } catch (thrown) {
      const why = (thrown as NodeJS.ErrnoException).code ?? "unknown reason";
      throw new DriftlessError("CONFIG_INVALID", `${args[0]} cannot be written: ${why}`, { cause: thrown });
    }
  },
});

async function written(context: Context, values: FlagValues<typeof flags>): Promise<readonly Application[]> {
  return onCluster(context, values, async ({ client, namespace }) => {
    const selector = values.l === "" ? {} : { labelSelector: values.l };
    return (await client.list(context.op, types.application, { namespace, ...selector })).items as Application[];
  });
}

/** As this process sees each of them. */
async function reconciled(context: Context, values: FlagValues<typeof flags>): Promise<readonly Application[]> {
  const applications = await written(context, values);
  const keyOf = ({ metadata }: Application): string => `${metadata.namespace}/${metadata.name}`;
  const admin = await context.admin();
  const found = await admin.reconciled(applications.map(keyOf), (key) => context.out.line(key.split("/")[1]));
  return applications.map((app) => {
    const { status: _before, ...rest } = app;
    const status = found.get(keyOf(app));
    return status ? { ...rest, status } : rest;
  });
}
