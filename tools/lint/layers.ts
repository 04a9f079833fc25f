// The layers, as one table: what each folder may import. Read by layers-check.ts and by its spec.
// A folder may import itself and what its row lists; nothing else, types included.
// Where `src/DESIGN` order allows more than is listed, the row stays narrow until something needs it.

export interface Layer {
  /** Folder below the repository's root, without a trailing slash. Longest match wins. */
  readonly folder: string;
  /** Folders that it may import from (each with everything below). */
  readonly may: readonly string[];
  /** Pure layers compile without Node's or the DOM's types, and import no `node:` module. */
  readonly pure?: boolean;
}

const base = "src/base";
const model = "src/model";
const merge = "src/core/merge";
const core = "src/core";

export const layers: readonly Layer[] = [
  { folder: base, may: [], pure: true },
  { folder: model, may: [base], pure: true },
  // core: siblings may not import each other, except that comparing builds on merging.
  { folder: merge, may: [base, model], pure: true },
  { folder: "src/core/compare", may: [base, model, merge], pure: true },
  { folder: "src/core/actions", may: [base, model, merge], pure: true },
  { folder: "src/core/health", may: [base, model], pure: true },
  { folder: "src/core/refresh", may: [base, model], pure: true },
  { folder: "src/core/sync", may: [base, model], pure: true },
  { folder: "src/core/track", may: [base, model], pure: true },
  { folder: "src/core/policy", may: [base, model], pure: true },
  { folder: "src/core/waits", may: [base, model], pure: true },
  { folder: "src/core/depend", may: [base, model], pure: true },
  { folder: "src/core/generate", may: [base, model], pure: true },
  { folder: "src/protocol", may: [base, model], pure: true },
  { folder: "src/git", may: [base, model] },
  { folder: "src/registry", may: [base, model, "src/git"] },
  // The protocol, for plugins in sidecars speak a service of it.
  { folder: "src/render", may: [base, model, core, "src/protocol", "src/git", "src/registry"] },
  { folder: "src/kube", may: [base, model, core] },
  { folder: "src/runtime", may: [base, model, "src/kube"] },
  { folder: "src/sandbox", may: [base, model, core] },
  {
    folder: "src/controllers",
    may: [base, model, core, "src/protocol", "src/git", "src/registry", "src/render", "src/kube", "src/runtime"],
  },
  {
    folder: "src/server",
    may: [base, model, core, "src/protocol", "src/git", "src/render", "src/kube", "src/runtime", "src/controllers"],
  },
  { folder: "src/cli", may: [base, model, core, "src/protocol", "src/kube"] },
  // The real control plane of `driftless up --real` is the one of the tests.
  { folder: "src/main", may: ["src", "test/kubernetes"] },
  { folder: "ui", may: ["src/protocol", "src/model", base] },
  { folder: "tools", may: ["src", "tools"] },
  { folder: "test", may: ["src", "test", "bench", "examples"] },
  { folder: "bench", may: ["src", "test", "bench"] },
  { folder: "sim", may: ["src", "sim"] },
];
