// `driftless appset create`.
import { sameJson } from "#base/json.ts";
import { toError } from "#base/errors.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool, text } from "../../flags.ts";
import { applicationSets, type ApplicationSet } from "../../server/services.ts";
import { checkOutput, document } from "../../view/print.ts";
import { applicationSetDetails, applicationSetsIn } from "./application-sets.ts";

const [waitMs, pollMs] = [60_000, 500] as const;

export default command({
  usage: "FILE...",
  about: "FILE is a file, a URL or -, with one or several ApplicationSets as YAML or JSON.",
  examples: [
    ["From a file", "driftless appset create previews.yaml"],
    ["What it would make", "driftless appset create previews.yaml --dry-run -o yaml"],
  ],
  flags: {
    "appset-namespace": text("Namespace of those that name none", { short: "N" }),
    "dry-run": bool("Change nothing"),
    output: text("Output format: wide, json, yaml", { short: "o", fallback: "wide" }),
    upsert: bool("Replace one of that name"),
    wait: bool("Wait until its resources are known to be up to date"),
  },
  args: { min: 1, max: Infinity },
  async run(context, { values, given, args }) {
    checkOutput(values.output, ["wide", "json", "yaml"]);
    const api = await context.api();
    const [namespace, dryRun] = [values["appset-namespace"], values["dry-run"]];
    for (const place of args) {
      for (const read of await applicationSetsIn(context, place)) {
        const metadata = { ...(namespace === "" ? {} : { namespace }), ...read.metadata };
        const wanted = { ...read, metadata };
        const before = await known(context, wanted);
        const made = await applicationSets.create(context.op, api, wanted, { upsert: values.upsert, dryRun });
        const verb = before === undefined ? "created" : sameJson(before.spec, made.spec) ? "unchanged" : "updated";
        const told = given.has("output") ? context.err : context.out;
        told.line(`ApplicationSet '${made.metadata.name}' ${verb}${dryRun ? " (dry run)" : ""}`);
        if (values.wait && !dryRun) await untilCurrent(context, made);
        if (values.output === "json" || values.output === "yaml")
          context.out.write(await document(made, values.output));
        else if (given.has("output") || dryRun) context.out.write(applicationSetDetails(made));
      }
    }
  },
});

async function known(context: Context, { metadata }: ApplicationSet): Promise<ApplicationSet | undefined> {
  const api = await context.api();
  try {
    return await applicationSets.get(context.op, api, metadata.name ?? "", metadata.namespace ?? "");
  } catch (thrown) {
    if (toError(thrown).code === "NOT_FOUND") return undefined;
    throw thrown;
  }
}

async function untilCurrent(context: Context, { metadata }: ApplicationSet): Promise<void> {
  const { DriftlessError } = await import("#base/errors.ts");
  const { pause } = await import("../../server/api.ts");
  const until = context.clock.monotonic() + waitMs;
  for (;;) {
    const found = await known(context, { metadata } as ApplicationSet);
    if (found?.status?.conditions?.some(({ type, status }) => type === "ResourcesUpToDate" && status === "True"))
      return;
    if (context.clock.monotonic() > until)
      throw new DriftlessError(
        "DEADLINE_EXCEEDED",
        `ApplicationSet '${metadata.name}' is not up to date after ${waitMs / 1000} s; see driftless appset get`,
      );
    await pause(context.op, context.clock, pollMs);
    context.op.signal.throwIfAborted();
  }
}
