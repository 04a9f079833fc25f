// What the cluster serves, as clients discover it: /api, /apis, resource lists by version, and the aggregated form of
// all of them (apidiscovery.k8s.io/v2). Texts are made once for each change of the kinds.
import { createHash } from "node:crypto";
import { apiVersionOf } from "#model/object.ts";
import type { ResourceDefinition, Subresource } from "../contract.ts";
import type { Kinds, ServedGroup } from "./kinds.ts";
import type { AcceptedForm } from "./request.ts";

export interface DiscoveryAnswer {
  readonly text: string;
  readonly contentType: string;
  readonly etag?: string;
}

/** What a subresource's own entry says: its kind, and the verbs that it answers to. */
interface SubresourceFacts {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly verbs: readonly string[];
}

const subresourceFacts: Readonly<Record<Subresource, SubresourceFacts>> = {
  status: { verbs: ["get", "patch", "update"] },
  scale: { group: "autoscaling", version: "v1", kind: "Scale", verbs: ["get", "patch", "update"] },
  binding: { kind: "Binding", verbs: ["create"] },
  eviction: { group: "policy", version: "v1", kind: "Eviction", verbs: ["create"] },
  log: { verbs: ["get"] },
  token: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest", verbs: ["create"] },
  finalize: { verbs: ["update"] },
  approval: { verbs: ["get", "patch", "update"] },
};

export class Discovery {
  private readonly kinds: Kinds;
  private readonly serverAddress: () => string;
  private cache = new Map<string, DiscoveryAnswer>();
  private revision = -1;

  constructor(kinds: Kinds, serverAddress: () => string) {
    this.kinds = kinds;
    this.serverAddress = serverAddress;
  }

  /** The document at a path, or undefined where there is none. */
  answer(path: string, form: AcceptedForm): DiscoveryAnswer | undefined {
    if (this.revision !== this.kinds.revision) {
      this.cache = new Map();
      this.revision = this.kinds.revision;
    }
    const aggregated = form.as === "discovery";
    const key = `${aggregated ? form.version : ""} ${path}`;
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    const made = aggregated ? this.aggregated(path, form.version) : this.plain(path);
    if (made !== undefined) this.cache.set(key, made);
    return made;
  }

  private plain(path: string): DiscoveryAnswer | undefined {
    const parts = path.split("/").filter((part) => part !== "");
    const [root, first, second] = parts;
    const json = (value: unknown) => ({ text: JSON.stringify(value), contentType: "application/json" });
    if (root === "api") {
      if (parts.length === 1) return json(this.versions());
      if (parts.length === 2 && this.kinds.hasVersion("", first ?? "")) return json(this.resources("", first ?? ""));
      return undefined;
    }
    if (root !== "apis") return undefined;
    if (parts.length === 1) {
      const groups = this.named().map((group) => groupOf(group));
      return json({ kind: "APIGroupList", apiVersion: "v1", groups });
    }
    const group = this.named().find((each) => each.name === first);
    if (group === undefined) return undefined;
    if (parts.length === 2) return json({ kind: "APIGroup", apiVersion: "v1", ...groupOf(group) });
    if (parts.length === 3 && group.versions.includes(second ?? ""))
      return json(this.resources(group.name, second ?? ""));
    return undefined;
  }

  private versions() {
    const addresses = [{ clientCIDR: "0.0.0.0/0", serverAddress: this.serverAddress() }];
    return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: addresses };
  }

  private named(): readonly ServedGroup[] {
    return this.kinds.groups().filter((group) => group.name !== "");
  }

  private resources(group: string, version: string) {
    const resources = this.kinds.inVersion(group, version).flatMap((definition) => resourcesOf(definition));
    const groupVersion = apiVersionOf({ group, version });
    return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
  }

  private aggregated(path: string, version: string): DiscoveryAnswer | undefined {
    const groups = path === "/api" ? this.kinds.groups().filter((group) => group.name === "") : this.named();
    if (path !== "/api" && path !== "/apis") return undefined;
    const items = groups.map((group) => ({
      metadata: { name: group.name, creationTimestamp: null },
      versions: group.versions.map((each) => ({
        version: each,
        resources: this.kinds.inVersion(group.name, each).map((definition) => aggregatedResource(definition)),
        freshness: "Current",
      })),
    }));
    const apiVersion = `apidiscovery.k8s.io/${version}`;
    const text = JSON.stringify({ kind: "APIGroupDiscoveryList", apiVersion, metadata: {}, items });
    const etag = `"${createHash("sha512").update(text).digest("hex").toUpperCase()}"`;
    const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    return { text, contentType, etag };
  }
}

function groupOf({ name, versions }: ServedGroup) {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
}

function resourcesOf(definition: ResourceDefinition) {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = definition;
  const main = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    storageVersionHash: storageHash(definition),
  };
  const below = definition.subresources.map((name) => {
    const facts = subresourceFacts[name];
    return {
      name: `${plural}/${name}`,
      singularName: "",
      namespaced,
      ...(facts.group === undefined ? {} : { group: facts.group, version: facts.version }),
      kind: facts.kind ?? kind,
      verbs: facts.verbs,
    };
  });
  return [main, ...below];
}

function storageHash({ group, version, kind, storageVersion = version }: ResourceDefinition): string {
  // Kubernetes still keeps the definitions of custom resources in the version before v1.
  const kept = kind === "CustomResourceDefinition" ? "v1beta1" : storageVersion;
  return createHash("sha256").update(`${group}/${kept}/${kind}`).digest().subarray(0, 8).toString("base64");
}

function aggregatedResource(definition: ResourceDefinition) {
  const { group, version, kind, plural, singular, namespaced, shortNames, categories, verbs } = definition;
  const subresources = definition.subresources.map((name) => {
    const facts = subresourceFacts[name];
    return {
      subresource: name,
      responseKind: {
        group: facts.group ?? group,
        version: facts.version ?? version,
        kind: facts.kind ?? kind,
      },
      verbs: facts.verbs,
    };
  });
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}
