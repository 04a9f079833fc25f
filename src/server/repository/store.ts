// Repositories and templates of credentials in the installation's Secrets: finding, writing, removing. Knows no caller.
import { DriftlessError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Informer } from "#runtime/informer.ts";
import {
  fieldsOfSecret,
  kindOf,
  repositorySecret,
  urlOf,
  withKept,
  type RepositoryFields,
  type RepositoryKind,
} from "./secrets.ts";

export interface RepositoryStoreDeps {
  readonly control: KubeClient;
  readonly namespace: string;
  /** Secrets that describe clusters and repositories. */
  readonly secrets: Informer<KubernetesObject>;
  normaliseUrl(url: string): string;
}

export interface StoredRepository {
  readonly secret: KubernetesObject;
  /** With what lets one in. */
  readonly fields: RepositoryFields & { readonly url: string };
}

const secretType: ResourcePath = { group: "", version: "v1", plural: "secrets", namespaced: true };

export class RepositoryStore {
  readonly #deps: RepositoryStoreDeps;

  constructor(deps: RepositoryStoreDeps) {
    this.#deps = deps;
  }

  /** All of a kind, by URL and project. */
  list(kind: RepositoryKind): readonly StoredRepository[] {
    const found: StoredRepository[] = [];
    for (const secret of this.#deps.secrets.values()) {
      if (kindOf(secret) === kind) found.push({ secret, fields: fieldsOfSecret(secret) });
    }
    const key = ({ fields }: StoredRepository): string => `${fields.url} ${JSON.stringify(fields["project"] ?? "")}`;
    return found.filter(({ fields }) => fields.url !== "").sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** One by URL; with a project that project's own. Undefined: none, or several projects have one and none is named. */
  find(kind: RepositoryKind, url: string, project?: string): StoredRepository | undefined {
    const wanted = this.#deps.normaliseUrl(url);
    const same = this.list(kind).filter(({ fields }) => this.#deps.normaliseUrl(fields.url) === wanted);
    if (project)
      return same.find(({ fields }) => fields["project"] === project) ?? same.find(({ fields }) => !fields["project"]);
    return same.find(({ fields }) => !fields["project"]) ?? (same.length === 1 ? same[0] : undefined);
  }

  /** Errors: ALREADY_EXISTS where one of other contents stands and `upsert` is not asked for, INVALID_ARGUMENT. */
  async create(op: Op, kind: RepositoryKind, wanted: RepositoryFields, upsert: boolean): Promise<StoredRepository> {
    const known = this.#exact(kind, wanted);
    const secret = repositorySecret(kind, withKept(wanted, known?.fields), {
      namespace: this.#deps.namespace,
      known: known?.secret,
    });
    if (known) {
      if (sameJson(known.secret["data"], secret["data"])) return known;
      if (!upsert)
        throw new DriftlessError(
          "ALREADY_EXISTS",
          `existing ${kind === "repository" ? "repository" : "repository credentials"} spec is different; use upsert flag to force update`,
        );
    }
    return this.#write(op, secret, known?.secret);
  }

  /** Replaces what is known of it. Errors: NOT_FOUND, INVALID_ARGUMENT. */
  async update(op: Op, kind: RepositoryKind, wanted: RepositoryFields): Promise<StoredRepository> {
    const known = this.#exact(kind, wanted) ?? this.find(kind, urlOf(wanted));
    if (!known) throw new DriftlessError("NOT_FOUND", `repo '${urlOf(wanted)}' not found`);
    return this.#write(
      op,
      repositorySecret(kind, withKept(wanted, known.fields), { namespace: this.#deps.namespace, known: known.secret }),
      known.secret,
    );
  }

  /** Error: NOT_FOUND. */
  async remove(op: Op, stored: StoredRepository): Promise<void> {
    const { control, namespace } = this.#deps;
    await control.delete(op, secretType, { namespace, name: stored.secret.metadata.name ?? "" });
  }

  #exact(kind: RepositoryKind, wanted: RepositoryFields): StoredRepository | undefined {
    const url = this.#deps.normaliseUrl(urlOf(wanted));
    const project = wanted["project"] ?? "";
    return this.list(kind).find(
      ({ fields }) => this.#deps.normaliseUrl(fields.url) === url && (fields["project"] ?? "") === project,
    );
  }

  async #write(op: Op, secret: KubernetesObject, known: KubernetesObject | undefined): Promise<StoredRepository> {
    const { control, secrets } = this.#deps;
    const options = { fieldManager: "driftless" };
    const versioned = known
      ? { ...secret, metadata: { ...secret.metadata, resourceVersion: known.metadata.resourceVersion! } }
      : secret;
    const written = known
      ? await control.replace(op, secretType, versioned, options)
      : await control.create(op, secretType, versioned, options);
    secrets.observe(written);
    return { secret: written, fields: fieldsOfSecret(written) };
  }
}
