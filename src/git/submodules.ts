// What `.gitmodules` says, and where a submodule's repository is. Pure. Source: Git's "gitmodules", "git-submodule".

/** Path of a submodule → its URL as written. Names and paths that git would refuse are left out. */
export function parseGitmodules(text: string): ReadonlyMap<string, string> {
  const sections: { path?: string; url?: string }[] = [];
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    if (line.startsWith("[")) {
      sections.push({});
      continue;
    }
    const [, key = "", value = ""] = /^([A-Za-z][\w-]*)\s*=\s*(.*)$/.exec(line) ?? [];
    const section = sections.at(-1);
    if (!section) continue;
    if (key.toLowerCase() === "path") section.path = plain(value);
    else if (key.toLowerCase() === "url") section.url = plain(value);
  }
  const found = new Map<string, string>();
  for (const { path, url } of sections) {
    if (path === undefined || url === undefined || url === "" || url.startsWith("-")) continue;
    found.set(path.replace(/^(?:\.\/)+|\/+$/g, ""), url);
  }
  return found;
}

/** A value of git's configuration without quotes and a comment behind it. */
function plain(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(value);
  if (quoted) return (quoted[1] ?? "").replace(/\\(.)/g, "$1");
  return value.replace(/\s+[#;].*$/, "").trim();
}

/** The URL of a submodule: one that begins with `./` or `../` is relative to the repository that names it. */
export function submoduleUrl(parent: string, written: string): string {
  if (!/^\.\.?\//.test(written)) return written;
  let base = parent.replace(/\/+$/, "");
  let rest = written;
  for (;;) {
    if (rest.startsWith("./")) rest = rest.slice(2);
    else if (rest.startsWith("../")) {
      rest = rest.slice(3);
      const slash = base.lastIndexOf("/");
      const colon = base.lastIndexOf(":");
      // Of `git@host:path` the path may have one step only.
      base =
        slash > colon && !/^[a-z][a-z0-9+.-]*:\/\/[^/]*$/i.test(base) ? base.slice(0, slash) : base.slice(0, colon + 1);
    } else break;
  }
  return base.endsWith(":") ? base + rest : `${base}/${rest}`;
}
