// What a preview answers: types only, shared by server, command line and page. Ours; Argo CD has nothing like it.

/** How one object differs. Secrets are masked: equal values have equal masks. */
export interface ObjectChange {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly change: "added" | "changed" | "removed";
  /** Null where it is not there; left out where the answer would have become too large (see `cut`). */
  readonly before?: unknown;
  readonly after?: unknown;
  readonly cut?: boolean;
  /** Where it is written: a file from the repository's root, and its line where that is known. */
  readonly file?: string;
  readonly line?: number;
  readonly hook?: boolean;
}

export interface ApplicationPreview {
  readonly namespace: string;
  readonly name: string;
  readonly project: string;
  /** Name or address of the cluster, and the namespace that it deploys to. */
  readonly destination: string;
  readonly outcome: "changed" | "unchanged" | "failed";
  /** Why it cannot be rendered with the change. */
  readonly error?: { readonly code: string; readonly message: string };
  /** Why it cannot be rendered without the change: all its objects count as added then. */
  readonly baseError?: { readonly code: string; readonly message: string };
  /** What a sync would stumble over. */
  readonly warnings: readonly string[];
  readonly objects: readonly ObjectChange[];
}

export interface Preview {
  readonly repository: string;
  readonly base: { readonly revision: string; readonly sha: string };
  readonly head: { readonly revision: string; readonly sha: string };
  /** Where the two lines of history parted; absent where they share none. */
  readonly mergeBase?: string;
  /** What objects are compared with: those of the base, or those on the clusters. */
  readonly against: "base" | "live";
  readonly changedFiles: readonly string[];
  /** Files that both sides changed so that they cannot be merged: shown as the head has them. */
  readonly conflicts: readonly string[];
  readonly statistics: {
    /** Applications that follow the base. */
    readonly following: number;
    /** Those of them whose sources read something that the change touches. */
    readonly affected: number;
    /** How many were rendered with the change: as many as are affected, whatever the number of applications. */
    readonly rendered: number;
    readonly durationMs: number;
  };
  /** The affected applications, by name. */
  readonly applications: readonly ApplicationPreview[];
}

/** One line of the stream that a preview is answered as. */
export type PreviewEvent =
  | { readonly progress: { readonly done: number; readonly total: number } }
  | { readonly result: Preview }
  | { readonly error: { readonly code: number; readonly message: string } };
