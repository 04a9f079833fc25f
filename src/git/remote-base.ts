// URLs of Kustomize that name a folder of another repository, or a single file. Pure.
// Source: Kustomize's "Remote targets" (examples/remoteBuild.md) and how it splits such URLs.
import { pathSteps } from "./objects.ts";

export interface RemoteBase {
  /** What git is asked for. */
  readonly url: string;
  /** From the repository's root; "" is the root. */
  readonly path: string;
  /** Branch, tag or commit; "" is the default branch. */
  readonly revision: string;
  readonly submodules: boolean;
}

const defaultSegments = 2;

/** Takes what a kustomization names; undefined where it is no Git URL. `file://` is one, for the caller to refuse. */
export function parseRemoteBase(written: string): RemoteBase | undefined {
  const [before = "", query = ""] = written.trim().split(/\?(.*)/s);
  const host = splitHost(before.replace(/^git::/i, ""));
  if (!host) return undefined;
  const split = splitPath(host.rest, host.start.startsWith("file://"));
  if (!split || split.repository === "") return undefined;
  const steps = pathSteps(split.path);
  if (!steps) return undefined;
  const values = new URLSearchParams(query);
  const submodules = values.get("submodules") ?? "";
  return {
    url: host.start + split.repository,
    path: steps.join("/"),
    revision: values.get("ref") || values.get("version") || "",
    submodules: !/^(?:0|f|false)$/i.test(submodules),
  };
}

function splitHost(text: string): { readonly start: string; readonly rest: string } | undefined {
  const scheme = /^(?:ssh|https?|file):\/\//i.exec(text)?.[0].toLowerCase() ?? "";
  const afterScheme = text.slice(scheme.length);
  if (scheme === "file://") return { start: scheme, rest: afterScheme };
  const user = /^[a-z][a-z0-9-]*@/i.exec(afterScheme)?.[0] ?? "";
  const named = afterScheme.slice(user.length);
  const github = /^github\.com[/:]/i.test(named);
  const scp = scheme === "" && (user !== "" || github);
  if (scheme === "" && !scp) return undefined;
  const slash = named.indexOf("/");
  const colon = scp ? named.indexOf(":") : -1;
  const end = colon > 0 && (slash < 0 || colon < slash) ? colon : slash;
  if (end <= 0) return undefined;
  const rest = named.slice(end + 1);
  if (github) return { start: scheme === "ssh://" || user !== "" ? `${user}github.com:` : "https://github.com/", rest };
  return { start: scheme + user + named.slice(0, end + 1), rest };
}

/** Where the repository ends and the folder begins: `_git/NAME`, `//`, `.git`, or after two segments. */
function splitPath(text: string, whole: boolean): { readonly repository: string; readonly path: string } | undefined {
  const azure = /^(.*?_git\/[^/]*)(?:\/(.*))?$/s.exec(text);
  if (azure) return { repository: azure[1] ?? "", path: azure[2] ?? "" };
  const double = text.indexOf("//");
  if (double >= 0) return { repository: text.slice(0, double), path: text.slice(double + 2) };
  const suffix = text.indexOf(".git");
  if (suffix >= 0) return { repository: text.slice(0, suffix + 4), path: text.slice(suffix + 4) };
  if (whole) return { repository: text, path: "" };
  const segments = text.split("/");
  if (segments.length < defaultSegments) return undefined;
  return {
    repository: segments.slice(0, defaultSegments).join("/"),
    path: segments.slice(defaultSegments).join("/"),
  };
}

/** Whether a URL names one file to be downloaded rather than a repository. */
export function isFileUrl(written: string): boolean {
  if (!/^https?:\/\//i.test(written) || !URL.canParse(written)) return false;
  const { pathname } = new URL(written);
  return /\.(?:ya?ml|json)$/i.test(pathname) && !/\.git(?:\/|$)|\/\/|\/_git\//.test(pathname);
}
