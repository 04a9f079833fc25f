// `driftless app sync`.
import { DriftlessError } from "#base/errors.ts";
import { at } from "#base/json.ts";
import type { Application, OperationState } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import { keyOf } from "#model/object.ts";
import type { ApiClient, AppRef } from "../../server/api.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { differences, printDifferences } from "../../local/diffing.ts";
import { bool, duration, int, numbers, text, texts, uint } from "../../flags.ts";
import { chosen, written } from "../../names.ts";
import { sendFiles, type LocalFlags } from "../../local/local-target.ts";
import { parsePairs, parseResource, selectResources, type ResourceFilter } from "../../flags/resources.ts";
import { syncRequest } from "../../flags/sync-request.ts";
import { checkOutput } from "../../view/print.ts";
import { waitFor } from "../../server/watching.ts";

export default command({
  usage: "[APPNAME... | -l selector | --project project-name]",
  examples: [
    ["An application", "driftless app sync my-app"],
    ["With what is no longer in Git removed", "driftless app sync my-app --prune"],
    ["Another revision", "driftless app sync my-app --revision v1.2.3"],
    ["Only one of its resources, or all but one", "driftless app sync my-app --resource apps:Deployment:web"],
    ["See first what would change", "driftless app sync my-app --preview-changes"],
    ["The files in a local folder instead of Git's", "driftless app sync my-app --local ./apps/my-app"],
    ["All applications with a label", "driftless app sync -l team=payments"],
  ],
  flags: {
    revision: text("Sync to this revision"),
    revisions: texts("Revisions of several sources, with --source-positions or --source-names"),
    "source-positions": numbers("Positions of sources, counted from 1"),
    "source-names": texts("Names of sources"),
    prune: bool("Delete resources that are no longer in Git"),
    "dry-run": bool("Try without changing anything"),
    resource: texts(
      "Only these resources: GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME, ! leaves out; may be repeated",
    ),
    label: texts("Only resources with this label, KEY=VALUE; may be repeated"),
    selector: text("Applications with these labels", { short: "l" }),
    project: texts("Applications of this project; may be repeated"),
    async: bool("Do not wait for the end"),
    timeout: uint("Give up waiting after this many seconds"),
    strategy: text("Sync strategy: hook, apply"),
    force: bool("Delete and create what cannot be changed"),
    replace: bool("Replace instead of apply"),
    "server-side": bool("Use server-side apply"),
    "apply-out-of-sync-only": bool("Only resources that are out of sync"),
    "ignore-dependencies": bool("Do not wait for the applications that it depends on"),
    info: texts("KEY=VALUE to keep with the operation; may be repeated"),
    "retry-limit": int("How often a failed sync is tried again"),
    "retry-refresh": bool("Take the newest revision when trying again"),
    "retry-backoff-duration": duration("Delay before trying again", { fallback: 5000 }),
    "retry-backoff-max-duration": duration("Longest delay", { fallback: 180_000 }),
    "retry-backoff-factor": int("Factor of the delay after each try", { fallback: 2 }),
    "preview-changes": bool("Show the differences and ask first"),
    assumeYes: bool("Do not ask"),
    output: text("Output format: wide, json, yaml, tree, tree=detailed", { short: "o", fallback: "wide" }),
    "app-namespace": text("Namespace of the applications", { short: "N" }),
    local: text("Sync the manifests in this local folder instead of Git's; not with automated sync"),
    "local-repo-root": text("Root of the local repository; that of the Git working copy unless told", {
      fallback: "/",
    }),
    "ignore-normalizer-jq-execution-timeout": duration("Accepted", { hidden: true }),
    "server-side-diff-concurrency": int("Accepted", { fallback: -1, hidden: true }),
    "server-side-diff-max-batch-kb": int("Accepted", { fallback: 250, hidden: true }),
  },
  args: { min: 0, max: Infinity },
  async run(context, { values, given, args }) {
    checkOutput(values.output, ["wide", "json", "yaml", "tree", "tree=detailed"]);
    const filters = values.resource.map(parseResource);
    const labels = parsePairs(values.label, "--label");
    const refs = await chosen(context, {
      names: args,
      selector: values.selector,
      projects: values.project,
      appNamespace: values["app-namespace"],
    });
    if (values.local !== "" && refs.length > 1)
      throw new DriftlessError("INVALID_ARGUMENT", "--local is for one application: name it");
    const api = await context.api();
    for (const ref of refs) {
      const app = await api.applications.get(context.op, ref);
      const wanted = [...filters, ...(values.label.length > 0 ? await labelled(context, { api, ref, labels }) : [])];
      const resources = wanted.length === 0 ? [] : selectResources(wanted, app.status?.resources ?? []);
      if (wanted.length > 0 && resources.length === 0)
        throw new DriftlessError("NOT_FOUND", `no resources of ${written(ref)} match ${values.resource.join(", ")}`);
      const request = syncRequest(values, app, resources);
      const root = given.has("local-repo-root") ? { root: values["local-repo-root"] } : {};
      const files = values.local === "" ? undefined : { local: values.local, ...root };
      if (
        values["preview-changes"] &&
        !(await previewed(context, { api, ref, app, files, assumeYes: values.assumeYes }))
      )
        return 0;
      const started = files
        ? await sendFiles(context, app, files, (upload) => api.applications.syncFiles(context.op, ref, request, upload))
        : await api.applications.sync(context.op, ref, request);
      if (values.async) continue;
      const waited = await waitFor(context, api, {
        ref,
        conditions: { operation: true },
        resources: wanted,
        timeoutMs: values.timeout * 1000,
        output: values.output,
        after: started,
      });
      const failure = values["dry-run"] ? undefined : failureOf(waited, wanted);
      if (failure !== undefined) {
        context.err.line(`driftless: ${failure}`);
        return 1;
      }
    }
    return 0;
  },
});

/** Why an ended sync is no success: its phase, or resources that wait for --prune. */
function failureOf(
  waited: { app: Application | undefined; operation: OperationState | undefined },
  wanted: readonly ResourceFilter[],
): string | undefined {
  const { app, operation } = waited;
  if (operation?.phase !== "Succeeded") return `Operation has completed with phase: ${operation?.phase ?? "unknown"}.`;
  if (wanted.length > 0 || app?.status?.sync?.status === "Synced") return undefined;
  const left = (operation.syncResult?.resources ?? []).filter((item) => item.status === "PruneSkipped").length;
  return left === 0 ? undefined : `${left} resources require pruning. Sync with --prune to delete them.`;
}

/** The resources whose manifests have all the labels. Error: NOT_FOUND where none has. */
async function labelled(
  context: Context,
  what: { api: ApiClient; ref: AppRef; labels: Readonly<Record<string, string>> },
): Promise<ResourceFilter[]> {
  const { manifests } = await what.api.applications.manifests(context.op, what.ref);
  const found = manifests
    .map((text_) => JSON.parse(text_) as KubernetesObject)
    .filter((object) =>
      Object.entries(what.labels).some(([key, value]) => at(object, "metadata", "labels", key) === value),
    )
    .map((object) => keyOf(object));
  if (found.length === 0)
    throw new DriftlessError("NOT_FOUND", `no resources of ${written(what.ref)} have those labels`);
  return found.map(({ group, kind, name }) => ({ group, kind, name }));
}

/** Shows the differences; returns whether to go on. */
async function previewed(
  context: Context,
  what: { api: ApiClient; ref: AppRef; app: Application; files: LocalFlags | undefined; assumeYes: boolean },
): Promise<boolean> {
  const { api, ref, files } = what;
  const name = written(what.ref);
  context.out.line(`====== Previewing differences between live and desired state of application ${name} ======`);
  const compared = files
    ? await sendFiles(context, what.app, files, (upload) => api.applications.compare(context.op, ref, upload))
    : { items: await api.applications.managedResources(context.op, ref) };
  const found = differences(compared.items ?? []);
  if (found.length === 0) {
    context.out.line("====== No Differences found ======");
    return true;
  }
  await printDifferences(context, found);
  if (what.assumeYes) return true;
  if (!context.input.isTerminal)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      "there is no terminal to ask on; add --assumeYes to sync without asking",
    );
  const answer = await context.input.ask(
    context.op,
    `Please review changes to application ${name} shown above. Do you want to continue the sync process? (y/n): `,
  );
  return /^y/i.test(answer);
}
