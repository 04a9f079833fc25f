// The NotificationService of the protocol: the names of what `argocd-notifications-cm` configures. Names and semantics follow
// Argo CD's NotificationService.
import { NotificationService } from "#protocol/gen/argoproj/notification_pb.js";
import { readConfigMap, type ConfigMapDeps } from "../config-maps.ts";
import { bind, session, type BoundService, type Call } from "../rpc/service.ts";

export function notificationApi(deps: ConfigMapDeps): BoundService {
  const named = (what: "trigger" | "service" | "template") => ({
    access: session,
    handle: async ({ op }: Call) => {
      const keys = Object.keys(await readConfigMap(op, deps, "argocd-notifications-cm"));
      const names = keys.flatMap((key) => nameOf(what, key) ?? []);
      return { items: [...new Set(names)].sort().map((name) => ({ name })) };
    },
  });
  return bind(NotificationService, {
    listTriggers: named("trigger"),
    listServices: named("service"),
    listTemplates: named("template"),
  });
}

/** `on-deployed` of `trigger.on-deployed`; a service is `service.TYPE` or, with a name of its own, `service.TYPE.NAME`. */
function nameOf(what: string, key: string): string | undefined {
  if (!key.startsWith(`${what}.`)) return undefined;
  const rest = key.slice(what.length + 1);
  if (what !== "service") return rest || undefined;
  const [type = "", name, ...more] = rest.split(".");
  return more.length > 0 ? undefined : name || type || undefined;
}
