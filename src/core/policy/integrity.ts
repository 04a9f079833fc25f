// Which signatures a project asks for of a source: by `sourceIntegrity`, or by `signatureKeys` for all of its sources.
// Pure. Source: Argo CD's "Source Integrity Verification", "Git GnuPG signature verification".
import type { AppProjectSpec } from "#model/application.ts";
import { glob } from "./glob.ts";
import { normaliseRepository } from "./project.ts";

export interface IntegrityPolicy {
  readonly mode: "head" | "strict";
  readonly keys: readonly string[];
}

/** A policy to hold; none; or what is wrong with the project, which then lets no revision through. */
export type Integrity =
  | { readonly asks: "nothing" }
  | { readonly asks: "signature"; readonly policy: IntegrityPolicy }
  | { readonly asks: "impossible"; readonly why: string };

/** What the project asks of revisions of a Git repository, or of a chart or artifact from a registry. */
export function integrityOf(project: AppProjectSpec, repoURL: string, kind: "git" | "registry"): Integrity {
  const { sourceIntegrity, signatureKeys } = project;
  const legacy = (signatureKeys ?? []).map(({ keyID }) => keyID).filter((key) => key !== "");
  const policies = (sourceIntegrity?.git?.policies ?? []).filter(({ repos }) =>
    covers(
      (repos ?? []).map(({ url }) => url),
      repoURL,
    ),
  );
  if (kind === "git" && policies.length > 1)
    return {
      asks: "impossible",
      why: `${policies.length} policies of spec.sourceIntegrity.git match ${repoURL}: one at most may`,
    };
  const gpg = kind === "git" ? policies[0]?.gpg : undefined;
  if (gpg) {
    if (gpg.mode === "none") return { asks: "nothing" };
    if (gpg.mode === "head" || gpg.mode === "strict")
      return { asks: "signature", policy: { mode: gpg.mode, keys: gpg.keys ?? [] } };
    return { asks: "impossible", why: `spec.sourceIntegrity.git: the mode ${gpg.mode} is none of none, head, strict` };
  }
  if (legacy.length === 0) return { asks: "nothing" };
  if (kind === "git") return { asks: "signature", policy: { mode: "head", keys: legacy } };
  return {
    asks: "impossible",
    why: "spec.signatureKeys asks for signed revisions, which only Git has; name the Git repositories in spec.sourceIntegrity instead",
  };
}

function covers(patterns: readonly string[], repoURL: string): boolean {
  const url = normaliseRepository(repoURL);
  let covered = false;
  for (const pattern of patterns) {
    const denies = pattern.startsWith("!");
    // Unlike in sourceRepos, a star goes past slashes.
    if (!glob(normaliseRepository(denies ? pattern.slice(1) : pattern))(url)) continue;
    if (denies) return false;
    covered = true;
  }
  return covered;
}
