// Clusters as Secrets: from the API's shape to Argo CD's cluster Secret and back. No I/O. Source: Argo CD's "Declarative
// Setup", Clusters.
import { DriftlessError } from "#base/errors.ts";
import { hidesUser, redactUrls } from "#base/redact.ts";
import type { Clusters, ClusterSpec } from "#kube/clusters.ts";
import { label } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { secretNameOf } from "../secret-names.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** What clients send of a cluster. */
export interface ClusterRequest {
  readonly server?: string;
  readonly name?: string;
  readonly config?: ClusterConfigRequest;
  readonly namespaces?: readonly string[];
  readonly clusterResources?: boolean;
  readonly project?: string;
  readonly shard?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface ClusterConfigRequest {
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
  readonly tlsClientConfig?: {
    readonly insecure?: boolean;
    readonly serverName?: string;
    readonly certData?: string;
    readonly keyData?: string;
    readonly caData?: string;
  };
  readonly awsAuthConfig?: object;
  readonly execProviderConfig?: object;
  readonly disableCompression?: boolean;
  readonly proxyUrl?: string;
}

/** The Secret of a cluster. Error: INVALID_ARGUMENT. */
export function clusterSecret(wanted: ClusterRequest, namespace: string, known?: KubernetesObject): KubernetesObject {
  const server = (wanted.server ?? "").trim().replace(/\/+$/, "");
  if (!/^https?:$/.test(URL.canParse(server) ? new URL(server).protocol : ""))
    throw new DriftlessError("INVALID_ARGUMENT", `server ${JSON.stringify(server)} is not an http or https address`, {
      details: { field: "cluster.server" },
    });
  if (hidesUser(server))
    throw new DriftlessError("INVALID_ARGUMENT", "server holds a user or a password: they belong into config", {
      details: { field: "cluster.server" },
    });
  for (const [field, text] of Object.entries({ name: wanted.name ?? "", project: wanted.project ?? "" })) {
    if (/[\p{Cc}]/u.test(text))
      throw new DriftlessError("INVALID_ARGUMENT", `${field} holds control characters`, {
        details: { field: `cluster.${field}` },
      });
  }
  const data: Record<string, string> = {
    server,
    name: wanted.name || server,
    config: JSON.stringify(wanted.config ?? {}),
  };
  if (wanted.namespaces?.length) {
    data["namespaces"] = wanted.namespaces.join(",");
    if (wanted.clusterResources) data["clusterResources"] = "true";
  }
  if (wanted.project) data["project"] = wanted.project;
  if (wanted.shard !== undefined) data["shard"] = String(wanted.shard);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: known?.metadata.name ?? secretNameOf("cluster", server),
      namespace,
      labels: { ...wanted.labels, [label.secretType]: "cluster" },
      annotations: { ...wanted.annotations, "managed-by": "argocd.argoproj.io" },
    },
    type: "Opaque",
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "utf8").toString("base64")]),
    ),
  };
}

/** A cluster without anything that lets one in. */
export function shownSpec(spec: ClusterSpec): object {
  const { config } = spec;
  const tls = config.tlsClientConfig;
  const exec = config.execProviderConfig;
  // What kubectl applied is the Secret as a whole, with what lets one in.
  const { "managed-by": _by, [lastApplied]: _whole, ...annotations } = spec.annotations;
  return {
    server: redactUrls(spec.server),
    name: redactUrls(spec.name),
    config: {
      tlsClientConfig: {
        insecure: tls?.insecure ?? false,
        ...(tls?.serverName ? { serverName: tls.serverName } : {}),
      },
      ...(config.awsAuthConfig ? { awsAuthConfig: config.awsAuthConfig } : {}),
      ...(exec ? { execProviderConfig: { command: exec.command, apiVersion: exec.apiVersion } } : {}),
    },
    ...(spec.namespaces.length > 0 ? { namespaces: spec.namespaces } : {}),
    ...(spec.clusterResources ? { clusterResources: true } : {}),
    ...(spec.project ? { project: spec.project } : {}),
    ...(spec.shard === undefined ? {} : { shard: spec.shard }),
    ...(Object.keys(spec.labels).length > 0 ? { labels: spec.labels } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

/** The clusters that belong to a project alone. */
export function clustersOfProject(clusters: Clusters, project: string): readonly object[] {
  return clusters.list().flatMap(({ spec }) => (spec.project === project ? [shownSpec(spec)] : []));
}
