// Charts of Helm repositories and OCI registries, and OCI artifacts, as applications name them: opens each once for equal
// credentials, and has its server polled once, whatever number of charts of it are in use.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Poller } from "#git/poller.ts";
import type { ApplicationSource } from "#model/application.ts";
import type { Registries, RegistryAccess, RegistryOrigin, RegistrySource } from "#registry/types.ts";
import { artifactRepository, type ArtifactRepository } from "#render/artifact-repository.ts";

/** What of a source says where it comes from. */
export type Located = Pick<ApplicationSource, "repoURL" | "chart" | "helm">;

export interface Artifacts {
  /** The same object for the same place and credentials. Does no I/O. Error: SPEC_INVALID. */
  open(source: Located, project: string): ArtifactRepository;
}

export interface ArtifactsOptions {
  readonly registries: Registries;
  readonly poller: Poller;
  /** Credentials, as the project may use them; undefined for a name that is not configured. */
  access(url: string, project: string): RegistryAccess | undefined;
}

/** Whether a source comes from a registry and not from Git. */
export function isArtifact(source: Located): boolean {
  return Boolean(source.chart) || /^oci:\/\//i.test(source.repoURL);
}

export function createArtifacts(options: ArtifactsOptions): Artifacts {
  const polling = new Polling(options.poller);
  const known = new WeakMap<RegistrySource, ArtifactRepository>();
  return {
    open(source, project) {
      const access = options.access(source.repoURL, project);
      if (!access)
        throw new DriftlessError(
          "REPOSITORY_UNREACHABLE",
          `no repository is configured by the name ${source.repoURL}`,
          {
            details: { repository: source.repoURL },
          },
        );
      const passCredentials = isObject(source.helm) && source.helm["passCredentials"] === true;
      const opened = options.registries.open(
        { ...access, ...(passCredentials ? { passCredentials } : {}) },
        source.chart || undefined,
      );
      let artifact = known.get(opened);
      if (!artifact) known.set(opened, (artifact = artifactRepository(opened)));
      const asker = JSON.stringify([project, source.repoURL, source.chart ?? "", passCredentials]);
      polling.follow(asker, artifact.origin);
      return artifact;
    },
  };
}

/** Polls what is asked for; what nobody asks for any more, since its credentials are others now, no longer. */
class Polling {
  private readonly poller: Poller;
  private readonly origins = new Map<string, RegistryOrigin>();
  private readonly polled = new Map<RegistryOrigin, { stop: () => void; askers: number }>();

  constructor(poller: Poller) {
    this.poller = poller;
  }

  follow(asker: string, origin: RegistryOrigin): void {
    const before = this.origins.get(asker);
    if (before === origin) return;
    this.origins.set(asker, origin);
    const entry = this.polled.get(origin);
    if (entry) entry.askers++;
    else {
      const stop = this.poller.use({
        url: origin.id,
        async refresh(op: Operation) {
          await origin.refresh(op);
          return { changed: [] };
        },
      });
      this.polled.set(origin, { stop, askers: 1 });
    }
    const old = before && this.polled.get(before);
    if (!before || !old || --old.askers > 0) return;
    old.stop();
    this.polled.delete(before);
  }
}
