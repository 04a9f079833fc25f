// The SettingsService of the protocol: what clients need to know of the installation. Without a session only what the
// login page needs. Names and semantics follow Argo CD's SettingsService.
import type { Operation } from "#base/operation.ts";
import type { Settings } from "#model/settings.ts";
import { SettingsService } from "#protocol/gen/argoproj/cluster_pb.js";
import { bind, open, session, type BoundService } from "../rpc/service.ts";

export interface SettingsApiDeps {
  readonly namespace: string;
  settings(): Settings;
  /** Names of the config management plugins that are there now. */
  plugins(op: Operation): Promise<readonly string[]>;
  /** Data of `argocd-cm`. */
  config(): Readonly<Record<string, string>>;
}

export function settingsApi(deps: SettingsApiDeps): BoundService {
  return bind(SettingsService, {
    get: {
      access: open,
      handle: ({ account }) => ({ ...everybody(deps), ...(account ? insiders(deps) : {}) }),
    },
    getPlugins: {
      access: session,
      handle: async ({ op }) => ({ plugins: (await deps.plugins(op)).map((name) => ({ name })) }),
    },
  });
}

function everybody(deps: SettingsApiDeps): object {
  const config = deps.config();
  const settings = deps.settings();
  const banner = config["ui.bannercontent"];
  return {
    ...(settings.url ? { url: settings.url } : {}),
    statusBadgeEnabled: config["statusbadge.enabled"] === "true",
    googleAnalytics: {
      trackingID: config["ga.trackingid"] ?? "",
      anonymizeUsers: config["ga.anonymizeusers"] !== "false",
    },
    help: { chatUrl: config["help.chatUrl"] ?? "", chatText: config["help.chatText"] ?? "", binaryUrls: {} },
    userLoginsDisabled:
      !settings.adminEnabled &&
      settings.accounts.every(({ enabled, capabilities }) => !enabled || !capabilities.includes("login")),
    uiCssURL: config["ui.cssurl"] ?? "",
    ...(banner
      ? {
          uiBannerContent: banner,
          uiBannerURL: config["ui.bannerurl"] ?? "",
          uiBannerPermanent: config["ui.bannerpermanent"] === "true",
          uiBannerPosition: config["ui.bannerposition"] ?? "",
        }
      : {}),
    passwordPattern: settings.passwordPattern,
    controllerNamespace: deps.namespace,
    appsInAnyNamespaceEnabled: settings.applicationNamespaces.length > 0,
  };
}

function insiders(deps: SettingsApiDeps): object {
  const config = deps.config();
  const settings = deps.settings();
  return {
    appLabelKey: settings.instanceLabelKey,
    trackingMethod: settings.trackingMethod,
    execEnabled: config["exec.enabled"] === "true",
    impersonationEnabled: config["application.sync.impersonation.enabled"] === "true",
    kustomizeOptions: { buildOptions: config["kustomize.buildOptions"] ?? "" },
    resourceOverrides: overrides(settings),
    ...(settings.installationId ? { installationID: settings.installationId } : {}),
  };
}

/** Which kinds have customisations of which sort; scripts themselves stay in the settings. */
function overrides({ resourceCustomizations }: Settings): Readonly<Record<string, object>> {
  const found: Record<string, Record<string, unknown>> = {};
  for (const { field, groupKind, text } of resourceCustomizations) {
    const entry = (found[groupKind] ??= {});
    if (field === "health") entry["healthLua"] = text;
    else if (field === "actions") entry["actions"] = text;
    else if (field === "useOpenLibs") entry["useOpenLibs"] = text === "true";
  }
  return found;
}
