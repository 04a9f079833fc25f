// The contract of src/git: what a repository can be asked. Nothing here does I/O.
import type { Operation } from "#base/operation.ts";

/** Where a repository is and how to get in. Secrets stay in memory and in the environment of child processes. */
export interface RepositoryAccess {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
  readonly sshPrivateKey?: string;
  /** Lines of a known_hosts file, as `argocd-ssh-known-hosts-cm` holds them. */
  readonly sshKnownHosts?: string;
  readonly tlsClientCert?: string;
  readonly tlsClientKey?: string;
  /** PEM certificates to trust instead of the system's. */
  readonly caBundle?: string;
  /** Skips the check of TLS certificates and SSH host keys. */
  readonly insecure?: boolean;
  readonly proxy?: string;
  /** Commits of history that are fetched of each branch and tag; all of them without. */
  readonly depth?: number;
  /**
   * Which files are fetched with the commits: `all`, `none`, or those up to a size (`64k`); the others come when they are
   * read. Without: up to 64 KiB, from servers that can leave out files.
   */
  readonly files?: string;
  /** Whether pointers of Git LFS are replaced by what they point at. */
  readonly lfs?: boolean;
}

export type EntryType = "blob" | "tree" | "commit" | "symlink";

export interface TreeEntry {
  /** From the repository's root, without a leading slash. */
  readonly path: string;
  /** As Git writes it: 100644, 100755, 120000 (symlink), 40000 (tree), 160000 (submodule). */
  readonly mode: string;
  readonly type: EntryType;
  readonly oid: string;
}

/** One name inside one tree object. */
export interface TreeItem {
  readonly name: string;
  readonly mode: string;
  readonly type: EntryType;
  readonly oid: string;
}

export interface RefChange {
  readonly ref: string;
  readonly before?: string;
  readonly after?: string;
}

export interface RepositoryChange {
  readonly changed: readonly RefChange[];
}

export interface RefreshOptions {
  /**
   * What a push notification said: these refs (full names) changed. They are fetched at once, without asking the server
   * for its list of refs first. An empty list means "something changed": all branches and tags are fetched.
   */
  readonly pushed?: readonly { readonly ref: string; readonly after?: string }[];
}

export interface ResolvedRevision {
  readonly sha: string;
  /** Full name of the branch or tag that it was, where it was one. */
  readonly ref?: string;
  /** Object id of the annotated tag that it was, where it was one. */
  readonly tag?: string;
}

export interface CommitMetadata {
  /** `Name <address>` */
  readonly author: string;
  /** RFC 3339 in UTC. */
  readonly date: string;
  readonly message: string;
  readonly tags: readonly string[];
}

export interface GitRepository {
  /** Without credentials. */
  readonly url: string;
  /** For whom it is read, where what can be read beside it differs: equal reads of two views may not be shared unasked. */
  readonly view?: string;
  /**
   * Finds the commit of a branch, tag, full or short SHA, `HEAD` or "", `refs/…`, or semver range over the tags. Answers
   * from the last known refs; the first use fetches. Errors: REVISION_NOT_FOUND, REPOSITORY_UNREACHABLE.
   */
  resolve(op: Operation, revision: string): Promise<ResolvedRevision>;
  /** Learns what changed on the server and fetches it; calls at the same time share one. */
  refresh(op: Operation, options?: RefreshOptions): Promise<RepositoryChange>;
  /** Object id of what stands at a path: "" is the root tree. Undefined where there is nothing. Symlinks are not followed. */
  entry(op: Operation, sha: string, path: string): Promise<TreeItem | undefined>;
  /** The direct items of a tree object, in Git's order. */
  items(op: Operation, treeOid: string): Promise<readonly TreeItem[]>;
  /** Every file, symlink and submodule below a path (recursive, no tree entries), sorted. Error: PATH_NOT_FOUND. */
  tree(op: Operation, sha: string, path: string): Promise<readonly TreeEntry[]>;
  /** The bytes of a blob. Error: TOO_LARGE where it has more than `maxBytes`. */
  blob(op: Operation, oid: string, options?: { readonly maxBytes?: number }): Promise<Uint8Array>;
  /** The commit at which two lines of history parted; undefined where they share none that is known. */
  mergeBase(op: Operation, a: string, b: string): Promise<string | undefined>;
  /** Files that differ between two commits. */
  changedPaths(op: Operation, from: string, to: string): Promise<readonly string[]>;
  metadata(op: Operation, sha: string): Promise<CommitMetadata>;
  /** A commit or annotated tag as Git keeps it, for its signature; undefined where there is none of that id. */
  object(
    op: Operation,
    oid: string,
  ): Promise<{ readonly type: "commit" | "tag"; readonly bytes: Uint8Array } | undefined>;
  /** Short names of the branches and tags last known; the first use fetches. */
  refs(op: Operation): Promise<{ readonly branches: readonly string[]; readonly tags: readonly string[] }>;
  /** Called after every refresh that changed a ref. Returns how to stop it. */
  onChange(listener: (change: RepositoryChange) => void): () => void;
}

export interface GitRepositories {
  /** One per normalised URL; opening again with other credentials replaces them. Does no I/O. */
  open(access: RepositoryAccess): GitRepository;
  /** Ends every child process. */
  close(): Promise<void>;
}

/** Git servers themselves, apart from what is mirrored of them. */
export interface GitServers {
  /**
   * Asks a server for its branches and tags with these credentials and no others; keeps nothing of either. Errors:
   * REPOSITORY_UNREACHABLE, SPEC_INVALID.
   */
  ask(
    op: Operation,
    access: RepositoryAccess,
  ): Promise<{ readonly branches: readonly string[]; readonly tags: readonly string[] }>;
}
