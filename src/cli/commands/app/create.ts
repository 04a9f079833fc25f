// `driftless app create`.
import { toError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Application } from "#model/application.ts";
import type { ApiClient } from "../../server/api.ts";
import { describedApplications, describedFlags } from "../../flags/application-flags.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool, text } from "../../flags.ts";
import { parseName } from "../../names.ts";

export default command({
  usage: "APPNAME",
  examples: [
    [
      "A directory of manifests",
      "driftless app create guestbook --repo https://github.com/argoproj/argocd-example-apps.git --path guestbook --dest-namespace default --dest-server https://kubernetes.default.svc --directory-recurse",
    ],
    [
      "Synced by itself",
      "driftless app create web --repo https://git.example.com/deploy.git --path web --dest-name prod --dest-namespace web --sync-policy automated --auto-prune --self-heal --sync-option CreateNamespace=true",
    ],
    ["From a file with one or several Applications", "driftless app create -f apps.yaml --upsert"],
  ],
  flags: {
    ...describedFlags,
    upsert: bool("Change an application of that name that is there already"),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 0, max: 1 },
  async run(context, { values, given, args }) {
    const described = await describedApplications(context, { values, given, args });
    const api = await context.api();
    for (const app of described) {
      const namespace = values["app-namespace"];
      const prepared = namespace === "" ? app : { ...app, metadata: { ...app.metadata, namespace } };
      const existing = await find(context, api, prepared);
      const created = await api.applications.create(context.op, prepared, {
        upsert: values.upsert,
        validate: values.validate,
      });
      const word = !existing ? "created" : isSame(existing, created) ? "unchanged" : "updated";
      context.out.line(`application '${created.metadata.name}' ${word}`);
    }
  },
});

async function find(context: Context, api: ApiClient, app: Application): Promise<Application | undefined> {
  const ref = parseName(app.metadata.name ?? "", app.metadata.namespace ?? "");
  try {
    return await api.applications.get(context.op, ref);
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "NOT_FOUND" || error.code === "PERMISSION_DENIED") return undefined;
    throw error;
  }
}

function isSame(before: Application, after: Application): boolean {
  const { labels, annotations, finalizers } = before.metadata;
  return (
    sameJson(before.spec, after.spec) &&
    sameJson(labels ?? {}, after.metadata.labels ?? {}) &&
    sameJson(annotations ?? {}, after.metadata.annotations ?? {}) &&
    sameJson(finalizers ?? [], after.metadata.finalizers ?? [])
  );
}
