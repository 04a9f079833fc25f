// `kustomize.buildOptions` of argocd-cm: the command line's options of `kustomize build` → what the engine does. Options
// that start programs or fetch by themselves are refused. Pure. Source: Argo CD's "Kustomize" page, `kustomize build --help`.
import { DriftlessError } from "#base/errors.ts";

export interface KustomizeSettings {
  readonly buildOptions: string;
  /** By version with its `v`: its own options, and where its program would be. */
  readonly versions: Readonly<Record<string, { readonly buildOptions?: string; readonly path?: string }>>;
}

export interface BuildOptions {
  readonly loadRestrictionsNone?: boolean;
  readonly enableHelm?: boolean;
  readonly reorder?: "legacy" | "none";
  readonly managedByLabel?: boolean;
  readonly kubeVersion?: string;
  readonly apiVersions?: readonly string[];
}

/** The version of Kustomize that the engine links. */
export const kustomizeVersion = "5.8.2";

const refused: Readonly<Record<string, string>> = {
  "enable-alpha-plugins": "plugins are programs, and rendering runs none",
  "enable-exec": "functions are programs, and rendering runs none",
  "enable-star": "functions are programs, and rendering runs none",
  network: "functions are programs, and rendering runs none",
  "network-name": "functions are programs, and rendering runs none",
  mount: "functions are programs, and rendering runs none",
  "as-current-user": "functions are programs, and rendering runs none",
  env: "functions are programs, and rendering runs none",
  e: "functions are programs, and rendering runs none",
  output: "what is rendered goes to the cluster",
  o: "what is rendered goes to the cluster",
};

/** Which of the options hold, for a version that an application may name. Errors: SOURCE_UNSUPPORTED, RENDER_REFUSED. */
export function buildOptions(settings: KustomizeSettings | undefined, version: string | undefined): BuildOptions {
  const wanted = version === undefined || version === "" ? undefined : `v${version.replace(/^v/, "")}`;
  const entry = wanted === undefined ? undefined : settings?.versions[wanted];
  if (wanted !== undefined && !isBuiltIn(wanted) && entry?.path !== "built-in")
    throw new DriftlessError(
      "SOURCE_UNSUPPORTED",
      `spec.source.kustomize.version ${wanted}: the engine has one Kustomize, v${kustomizeVersion}; take the field out, ` +
        `or write kustomize.path.${wanted}: built-in into argocd-cm to have it rendered by that one`,
      { details: { field: "spec.source.kustomize.version" } },
    );
  const key = entry?.buildOptions === undefined ? "kustomize.buildOptions" : `kustomize.buildOptions.${wanted ?? ""}`;
  return parseBuildOptions(entry?.buildOptions ?? settings?.buildOptions ?? "", key);
}

/** Patch releases of one Kustomize render alike. */
function isBuiltIn(version: string): boolean {
  const minor = kustomizeVersion.split(".").slice(0, 2).join(".");
  return version === `v${minor}` || version.startsWith(`v${minor}.`);
}

/** Takes the options as written and the setting's name for messages. */
export function parseBuildOptions(text: string, key: string): BuildOptions {
  const words = text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)?.map((word) => word.replace(/["']/g, "")) ?? [];
  const found: { -readonly [K in keyof BuildOptions]: BuildOptions[K] } = {};
  const wrong = (code: "SOURCE_UNSUPPORTED" | "RENDER_REFUSED", option: string, why: string): DriftlessError =>
    new DriftlessError(code, `${key} of argocd-cm: ${option}: ${why}`, { details: { field: key } });
  for (let at = 0; at < words.length; at++) {
    const [, name = "", , given] = /^--?([A-Za-z][\w-]*)(=(.*))?$/s.exec(words[at] ?? "") ?? [];
    const option = name.replaceAll("_", "-");
    const value = (): string => given ?? words[++at] ?? "";
    const flag = (): boolean => given === undefined || given === "true";
    if (refused[option] !== undefined) {
      if (given === "false") continue;
      throw wrong("RENDER_REFUSED", words[at] ?? "", refused[option]);
    }
    switch (option) {
      case "enable-helm":
        found.enableHelm = flag();
        break;
      case "enable-managedby-label":
        found.managedByLabel = flag();
        break;
      case "load-restrictor": {
        const how = value().toLowerCase();
        if (!["loadrestrictionsnone", "none", "loadrestrictionsrootonly", "rootonly"].includes(how))
          throw wrong(
            "SOURCE_UNSUPPORTED",
            `--load-restrictor ${how}`,
            "is neither LoadRestrictionsNone nor LoadRestrictionsRootOnly",
          );
        found.loadRestrictionsNone = how.endsWith("none");
        break;
      }
      case "reorder": {
        const how = value();
        if (how !== "legacy" && how !== "none")
          throw wrong("SOURCE_UNSUPPORTED", `--reorder ${how}`, "is neither legacy nor none");
        found.reorder = how;
        break;
      }
      case "helm-kube-version":
        found.kubeVersion = value();
        break;
      case "helm-api-versions":
        found.apiVersions = [
          ...(found.apiVersions ?? []),
          ...value()
            .split(",")
            .filter((one) => one !== ""),
        ];
        break;
      // Nothing is run, and nothing is printed.
      case "helm-command":
        value();
        break;
      case "helm-debug":
      case "stack-trace":
        break;
      default:
        throw wrong("SOURCE_UNSUPPORTED", words[at] ?? "", `is no option of kustomize build ${kustomizeVersion}`);
    }
  }
  return found;
}
