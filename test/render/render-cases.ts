// The cases of Helm and Kustomize features: read from their files, each as the files of a folder and how to render it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export type CaseFile = string | { readonly base64: string };

export interface RenderCase {
  readonly kind: "kustomize" | "helm";
  readonly name: string;
  /** Below the repository's root. */
  readonly folder: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** The Application's `helm` block, and the same as arguments of `helm template`; of Kustomize the build options. */
  readonly source?: Readonly<Record<string, unknown>>;
  readonly arguments: readonly string[];
  /** Of Kustomize: what `kustomize edit` does in the folder first, as `source` says it to the engine. */
  readonly edits: readonly (readonly string[])[];
}

interface Written {
  readonly k?: string;
  readonly n?: string;
  readonly chart?: string;
  readonly t?: string;
  readonly f?: Readonly<Record<string, CaseFile>>;
  /** Folder of the case → shared folder of which it is a copy. */
  readonly copy?: Readonly<Record<string, string>>;
  readonly source?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  readonly edit?: readonly (readonly string[])[];
}

const bytes = (file: CaseFile): Buffer =>
  typeof file === "string" ? Buffer.from(file.endsWith("\n") ? file : `${file}\n`) : Buffer.from(file.base64, "base64");

/** All cases, and the files that they share. */
export function renderCases(kind: "kustomize" | "helm"): { cases: RenderCase[]; shared: Record<string, Buffer> } {
  const text = readFileSync(join(import.meta.dirname, `${kind}.yaml`), "utf8");
  const written = parse(text) as { shared?: Record<string, CaseFile>; cases: Record<string, Written> };
  const shared = Object.fromEntries(
    Object.entries(written.shared ?? {}).map(([name, file]) => [`${kind}/${name}`, bytes(file)]),
  );
  const cases = Object.entries(written.cases).map(([name, one], index): RenderCase => {
    const files: Record<string, Buffer> = {};
    const add = (file: string, content: CaseFile): void => void (files[file] = bytes(content));
    if (kind === "kustomize") add(one.n ?? "kustomization.yaml", one.k ?? "");
    else {
      add("Chart.yaml", one.chart ?? "apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: '4.5'\n");
      if (one.t !== undefined) add("templates/main.yaml", one.t);
    }
    for (const [folder, from] of Object.entries(one.copy ?? {}))
      for (const [file, content] of Object.entries(written.shared ?? {}))
        if (file.startsWith(`${from}/`)) add(`${folder}${file.slice(from.length)}`, content);
    for (const [file, content] of Object.entries(one.f ?? {})) add(file, content);
    return {
      kind,
      name,
      folder: `${kind}/c${index}`,
      files,
      arguments: one.args ?? [],
      edits: one.edit ?? [],
      ...(one.source ? { source: one.source } : {}),
    };
  });
  return { cases, shared };
}

export type Golden = Readonly<Record<string, readonly unknown[]>>;

export const goldenFile = (kind: string): string => join(import.meta.dirname, "golden", `${kind}.json`);
