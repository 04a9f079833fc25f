// The ConfigMaps and Secrets of the controller's namespace, read into values: settings, tracking, credentials of
// repositories, secrets of webhooks. Reads them by watch; writes nothing.
import type { Operation } from "#base/operation.ts";
import type { TrackingSettings } from "#core/track/track.ts";
import { createKeyring, type Keyring } from "#git/keyring.ts";
import { normalizeUrl } from "#git/urls.ts";
import type { RepositoryAccess } from "#git/types.ts";
import type { WebhookSecrets } from "#git/webhook.ts";
import type { KubernetesObject } from "#model/object.ts";
import {
  credentialsFor,
  decodeBase64,
  registryFor,
  repositoryFromSecret,
  type RepositoryConfig,
} from "#model/repository.ts";
import { parseSettings, type Settings } from "#model/settings.ts";
import type { RegistryAccess } from "#registry/types.ts";
import type { Informer } from "#runtime/informer.ts";

/** The ConfigMaps and Secrets of the controller's namespace, read into values. */
export class Configuration {
  settings: Settings;
  tracking: TrackingSettings;
  readonly #namespace: string;
  readonly #configMaps: Informer<KubernetesObject>;
  readonly #op: Operation;
  readonly #listeners = new Set<() => void>();
  #repositories: readonly RepositoryConfig[] = [];
  #keyring: { readonly text: string; readonly keyring: Promise<Keyring> } | undefined;

  constructor(
    op: Operation,
    namespace: string,
    configMaps: Informer<KubernetesObject>,
    secrets: Informer<KubernetesObject>,
  ) {
    this.#op = op;
    this.#namespace = namespace;
    this.#configMaps = configMaps;
    [this.settings, this.tracking] = this.#read();
    this.#repositories = [...secrets.values()].flatMap((secret) => repositoryFromSecret(secret) ?? []);
    configMaps.subscribe(() => {
      [this.settings, this.tracking] = this.#read();
      for (const listener of this.#listeners) listener();
    });
    secrets.subscribe(() => {
      this.#repositories = [...secrets.values()].flatMap((secret) => repositoryFromSecret(secret) ?? []);
    });
  }

  /** Repositories and templates of credentials, with what lets one in. */
  get repositories(): readonly RepositoryConfig[] {
    return this.#repositories;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  access(url: string, project: string): RepositoryAccess {
    return this.accessOf({ ...credentialsFor(url, project, this.#repositories, normalizeUrl), url });
  }

  /** The template that would lend its credentials to a repository of no project. */
  template(url: string): RepositoryConfig | undefined {
    const found = credentialsFor(
      url,
      "",
      this.#repositories.filter((config) => config.isTemplate),
      normalizeUrl,
    );
    return found;
  }

  /** What a Git repository is reached by, with what is known of its host. */
  accessOf(found: Partial<RepositoryConfig> & { readonly url: string }): RepositoryAccess {
    const { url } = found;
    const knownHosts = this.data("argocd-ssh-known-hosts-cm")?.["ssh_known_hosts"];
    const host = URL.canParse(url) ? new URL(url).hostname : "";
    const ca = this.data("argocd-tls-certs-cm")?.[host];
    return {
      url,
      ...(found.username === undefined ? {} : { username: found.username }),
      ...(found.password === undefined ? {} : { password: found.password }),
      ...(found.bearerToken === undefined ? {} : { bearerToken: found.bearerToken }),
      ...(found.sshPrivateKey === undefined ? {} : { sshPrivateKey: found.sshPrivateKey }),
      ...(found.tlsClientCert === undefined ? {} : { tlsClientCert: found.tlsClientCert }),
      ...(found.tlsClientKey === undefined ? {} : { tlsClientKey: found.tlsClientKey }),
      ...(found.insecure ? { insecure: true } : {}),
      ...(found.proxy === undefined ? {} : { proxy: found.proxy }),
      ...(found.lfs ? { lfs: true } : {}),
      ...(found.depth === undefined ? {} : { depth: found.depth }),
      ...(found.files === undefined ? {} : { files: found.files }),
      ...(knownHosts === undefined ? {} : { sshKnownHosts: knownHosts }),
      ...(ca === undefined ? {} : { caBundle: ca }),
    };
  }

  /** A Helm repository or OCI registry, by URL or (for a dependency) by `@name`; undefined for a name that is not there. */
  registryAccess(url: string, project: string): RegistryAccess | undefined {
    const found = registryFor(url, project, this.#repositories);
    return found && this.registryAccessOf(found);
  }

  /** What a Helm repository or OCI registry is reached by, with what is known of its host. */
  registryAccessOf(found: Partial<RepositoryConfig> & { readonly url: string }): RegistryAccess {
    const host = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^/@]*@)?([^/:]+)/i.exec(found.url)?.[1] ?? "";
    const ca = this.data("argocd-tls-certs-cm")?.[host];
    const { username, password, bearerToken, tlsClientCert, tlsClientKey, proxy, noProxy } = found;
    return {
      url: found.url,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(bearerToken === undefined ? {} : { bearerToken }),
      ...(tlsClientCert === undefined ? {} : { tlsClientCert }),
      ...(tlsClientKey === undefined ? {} : { tlsClientKey }),
      ...(proxy === undefined ? {} : { proxy }),
      ...(noProxy === undefined ? {} : { noProxy }),
      ...(found.insecure ? { insecure: true } : {}),
      ...(found.enableOci ? { enableOci: true } : {}),
      ...(found.forceHttp ? { forceHttp: true } : {}),
      ...(ca === undefined ? {} : { caBundle: ca }),
    };
  }

  /** The keys whose signatures count; the same object until they change. */
  keyring(): Promise<Keyring> {
    const keys = this.data("argocd-gpg-keys-cm") ?? {};
    const signers = this.data("argocd-ssh-allowed-signers-cm")?.["allowed_signers"] ?? "";
    const text = JSON.stringify([keys, signers]);
    if (this.#keyring?.text !== text) {
      const keyring = createKeyring(keys, signers);
      this.#keyring = { text, keyring };
      keyring.then(
        ({ problems }) => {
          for (const problem of problems) this.#op.log.warn("key not usable", { problem });
        },
        () => {},
      );
    }
    return this.#keyring.keyring;
  }

  webhookSecrets(secret: KubernetesObject | undefined): WebhookSecrets {
    const data = (secret?.["data"] ?? {}) as Readonly<Record<string, string>>;
    const read = (name: string): string | undefined =>
      data[name] === undefined ? undefined : decodeBase64(data[name]);
    const secrets: Record<string, string> = {};
    const names = {
      github: "webhook.github.secret",
      gitlab: "webhook.gitlab.secret",
      gogs: "webhook.gogs.secret",
      bitbucket: "webhook.bitbucket.uuid",
      bitbucketserver: "webhook.bitbucketserver.secret",
    };
    for (const [provider, key] of Object.entries(names)) {
      const value = read(key);
      if (value) secrets[provider] = value;
    }
    const username = read("webhook.azuredevops.username");
    const password = read("webhook.azuredevops.password");
    return { ...secrets, ...(username && password ? { azuredevops: { username, password } } : {}) };
  }

  /** A ConfigMap's data. */
  data(name: string): Readonly<Record<string, string>> | undefined {
    return this.#configMaps.get(this.#namespace, name)?.["data"] as Readonly<Record<string, string>> | undefined;
  }

  #read(): [Settings, TrackingSettings] {
    const { settings, problems } = parseSettings(this.data("argocd-cm"), this.data("argocd-cmd-params-cm"));
    for (const { key, value, why } of problems)
      this.#op.log.warn("setting not usable, its default holds", { setting: key, value, why });
    const tracking: TrackingSettings = {
      method: settings.trackingMethod,
      instanceLabelKey: settings.instanceLabelKey,
      controllerNamespace: this.#namespace,
      ...(settings.installationId === undefined ? {} : { installationId: settings.installationId }),
    };
    return [settings, tracking];
  }
}
