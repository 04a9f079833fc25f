// `driftless app wait`.
import { command } from "../../command.ts";
import { bool, later, text, texts, uint } from "../../flags.ts";
import { chosen } from "../../names.ts";
import { parseResource } from "../../flags/resources.ts";
import { checkOutput } from "../../view/print.ts";
import { waitFor, type Conditions } from "../../server/watching.ts";

export default command({
  usage: "[APPNAME... | -l selector]",
  about: "Without a condition it waits until the operation has ended and the application is synced and healthy.",
  examples: [
    ["Until it is synced and healthy", "driftless app wait my-app"],
    ["At most five minutes, until it is healthy", "driftless app wait my-app --health --timeout 300"],
    ["Only one of its resources", "driftless app wait my-app --health --resource apps:Deployment:web"],
    ["Until it is gone", "driftless app wait my-app --delete"],
  ],
  flags: {
    sync: bool("Wait until it is Synced"),
    health: bool("Wait until it is Healthy"),
    operation: bool("Wait until the operation has ended"),
    suspended: bool("Wait until it is Suspended"),
    degraded: bool("Wait until it is Degraded"),
    delete: bool("Wait until it is deleted"),
    hydrated: later(bool("Wait until manifests are hydrated"), "waiting for hydrated manifests comes later"),
    resource: texts("Only these resources: GROUP:KIND:NAME, ! in front leaves out; may be repeated"),
    selector: text("Applications with these labels", { short: "l" }),
    timeout: uint("Give up after this many seconds"),
    output: text("Output format: wide, json, yaml, tree, tree=detailed", { short: "o", fallback: "wide" }),
    "app-namespace": text("Namespace of the applications", { short: "N" }),
  },
  args: { min: 0, max: Infinity },
  async run(context, { values, args }) {
    checkOutput(values.output, ["wide", "json", "yaml", "tree", "tree=detailed"]);
    const { sync, health, operation, suspended, degraded } = values;
    const none = !sync && !health && !operation && !suspended && !degraded && !values.delete;
    const conditions: Conditions = none
      ? { sync: true, health: true, operation: true }
      : { sync, health, operation, suspended, degraded, delete: values.delete };
    const resources = values.resource.map(parseResource);
    const refs = await chosen(context, {
      names: args,
      selector: values.selector,
      appNamespace: values["app-namespace"],
    });
    const api = await context.api();
    for (const ref of refs)
      await waitFor(context, api, {
        ref,
        conditions,
        resources,
        timeoutMs: values.timeout * 1000,
        output: values.output,
      });
  },
});
