// The gate between a resolved revision and its render: holds what the project asks of signatures. Remembers what it has
// checked, since the same commit is rendered for many applications.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { integrityOf } from "#core/policy/integrity.ts";
import type { Keyring } from "#git/keyring.ts";
import type { GitRepository } from "#git/types.ts";
import { verifyRevision, type Verified } from "#git/verify.ts";
import type { AppProject } from "#model/application.ts";

export interface SignatureGateOptions {
  project(name: string): AppProject | undefined;
  /** The keys as they are configured now; another object where they changed. */
  keyring(): Promise<Keyring>;
  readonly clock: Clock;
  /** false: nothing is asked of any revision, whatever projects say. */
  readonly enabled?: boolean;
}

export interface RevisionToVerify {
  readonly project: string;
  readonly repoURL: string;
  readonly repository: GitRepository;
  /** As the application names it: of a tag its signature is checked, else the commit's. */
  readonly revision: string;
  readonly sha: string;
}

export interface SignatureGate {
  /** Whether the project asks for anything of a Git source, so that each of its revisions has to pass. */
  asks(project: string, repoURL: string): boolean;
  /** Passes where the project asks for nothing, or gets what it asks for. Errors: SIGNATURE_REQUIRED, the repository's. */
  pass(op: Operation, what: RevisionToVerify): Promise<void>;
  /** Refuses charts and artifacts of registries where the project's keys are to hold for them. Error: SIGNATURE_REQUIRED. */
  passRegistry(project: string, repoURL: string): void;
  /** One sentence on a revision's signature, where the project asks for signatures. */
  describe(op: Operation, what: RevisionToVerify): Promise<string | undefined>;
}

const maxRemembered = 2000;
/** Keys expire: what was good is looked at again after this. */
const rememberMs = 3_600_000;

export function createSignatureGate(options: SignatureGateOptions): SignatureGate {
  const { clock } = options;
  let known:
    | { keyring: Keyring; atMs: number; results: Map<string, Promise<Verified>>; clean: Map<string, Set<string>> }
    | undefined;
  const integrity = (project: string, repoURL: string, kind: "git" | "registry") =>
    options.enabled === false
      ? ({ asks: "nothing" } as const)
      : integrityOf(options.project(project)?.spec ?? {}, repoURL, kind);

  const verified = async (
    op: Operation,
    what: RevisionToVerify,
    policy: Parameters<typeof verifyRevision>[3],
  ): Promise<Verified> => {
    const { repository, revision, sha } = what;
    const keyring = await options.keyring();
    const nowMs = clock.monotonic();
    if (known?.keyring !== keyring || nowMs - known.atMs > rememberMs)
      known = { keyring, atMs: nowMs, results: new Map(), clean: new Map() };
    const { results, clean } = known;
    const at = /^[0-9a-f]{40,64}$/.test(revision) ? { sha } : await repository.resolve(op, revision);
    // Moved in between: the commit that is rendered has to be signed itself.
    const tag = at.sha === sha && "tag" in at ? at.tag : undefined;
    const key = [repository.url, sha, tag, policy.mode, ...policy.keys].join(" ");
    let result = results.get(key);
    if (!result) {
      const scope = [repository.url, ...policy.keys].join(" ");
      const history = clean.get(scope) ?? new Set<string>();
      clean.set(scope, history);
      const revisionAt = { sha, ...(tag === undefined ? {} : { tag }) };
      result = verifyRevision(op, repository, revisionAt, policy, keyring, history);
      results.set(key, result);
      result.catch(() => results.delete(key));
      if (results.size > maxRemembered) results.delete(results.keys().next().value as string);
    }
    try {
      return await result;
    } catch (thrown) {
      if (toError(thrown).code !== "CANCELLED" || op.signal.aborted) throw thrown;
      return verified(op, what, policy); // the other caller gave up, not this one
    }
  };

  return {
    asks: (project, repoURL) => integrity(project, repoURL, "git").asks !== "nothing",
    async pass(op, what) {
      const asked = integrity(what.project, what.repoURL, "git");
      if (asked.asks === "nothing") return;
      if (asked.asks === "impossible") throw refused(what.repoURL, what.project, asked.why);
      const { problems } = await verified(op, what, asked.policy);
      if (problems.length === 0) return;
      const revision = what.revision === "" ? "HEAD" : what.revision;
      throw refused(
        what.repoURL,
        what.project,
        `revision ${revision} (${what.sha.slice(0, 12)}) of ${what.repository.url} is not signed as required: ${problems.join("; ")}`,
      );
    },
    passRegistry(project, repoURL) {
      const asked = integrity(project, repoURL, "registry");
      if (asked.asks === "impossible") throw refused(repoURL, project, asked.why);
    },
    async describe(op, what) {
      const asked = integrity(what.project, what.repoURL, "git");
      return asked.asks === "signature" ? (await verified(op, what, asked.policy)).description : undefined;
    },
  };
}

function refused(repository: string, project: string, why: string): DriftlessError {
  return new DriftlessError("SIGNATURE_REQUIRED", `project ${project} requires signatures: ${why}`, {
    details: { repository },
  });
}
