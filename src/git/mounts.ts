// Names of things that stand beside a repository while it is read: other repositories at a revision, single files behind
// a URL, charts. Each is the first step of a path that no Git tree can hold, so that reads of them are paths like others.
// Pure.

/** What is mounted. */
export type Mount =
  | { readonly kind: "git"; readonly url: string; readonly revision: string; readonly submodules: boolean }
  | {
      readonly kind: "file";
      readonly url: string;
      /** Values of a Helm source: what the Application names, not what a repository holds. */
      readonly values?: true;
    }
  | { readonly kind: "chart"; readonly repo: string; readonly name: string; readonly version: string };

const mark = "\u0000";

/** The first step of every path below a mount. */
export function mountName(mount: Mount): string {
  const parts =
    mount.kind === "git"
      ? ["git", mount.url, mount.revision, mount.submodules]
      : mount.kind === "file"
        ? ["file", mount.url, ...(mount.values ? ["values"] : [])]
        : ["chart", mount.repo, mount.name, mount.version];
  return mark + Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** Whether the first step of a path names a mount. */
export function isMounted(step: string | undefined): boolean {
  return step?.startsWith(mark) === true;
}

/** What the first step of a path names; undefined where it is a step of the repository itself. */
export function mountOf(step: string | undefined): Mount | undefined {
  if (step === undefined || !isMounted(step)) return undefined;
  const parts = JSON.parse(Buffer.from(step.slice(1), "base64url").toString("utf8")) as unknown[];
  const [kind, first, second, third] = parts as [string, string, string, string | boolean];
  if (kind === "git") return { kind, url: first, revision: second, submodules: third === true };
  if (kind === "file") return { kind, url: first, ...(second === "values" ? { values: true } : {}) };
  return { kind: "chart", repo: first, name: second, version: String(third) };
}

/** Splits a path that was read into what it stands in and the path there; undefined where it is the repository's own. */
export function splitMounted(path: string): { readonly mount: Mount; readonly path: string } | undefined {
  if (!path.startsWith(mark)) return undefined;
  const slash = path.indexOf("/");
  const mount = mountOf(slash < 0 ? path : path.slice(0, slash));
  return mount && { mount, path: slash < 0 ? "" : path.slice(slash + 1) };
}
