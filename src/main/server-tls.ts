// Whether and how the server speaks TLS: by flag, by Argo CD's `argocd-cmd-params-cm`, else everywhere but on loopback.
import type { Operation } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import type { KubeClient } from "#kube/types.ts";
import { Informer } from "#runtime/informer.ts";
import type { TlsOptions } from "#server/server.ts";
import { serverSecretName } from "#server/tls/certificates.ts";
import { insecureOf, tlsSettings } from "#server/tls/settings.ts";
import type { Configuration } from "./configuration.ts";

interface Wanted {
  readonly control: KubeClient;
  readonly namespace: string;
  readonly listen: { readonly host: string };
  readonly tls?: boolean;
}

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Takes what was asked for; returns the server's option, empty where it is to speak HTTP. */
export function serverTls(
  op: Operation,
  wanted: Wanted,
  configuration: Pick<Configuration, "data">,
  ports: { readonly clock: Clock; readonly random: Random },
): { readonly tls?: TlsOptions } {
  const params = configuration.data("argocd-cmd-params-cm");
  const insecure = wanted.tls === undefined ? (insecureOf(params) ?? loopback.test(wanted.listen.host)) : !wanted.tls;
  if (insecure) return {};
  const { settings, problems } = tlsSettings(params);
  for (const { key, value, why } of problems)
    op.log.warn("setting not usable, its default holds", { setting: key, value, why });
  const serverSecret = new Informer({
    ...ports,
    op,
    client: wanted.control,
    type: { group: "", version: "v1", plural: "secrets", namespaced: true },
    namespace: wanted.namespace,
    fieldSelector: `metadata.name=${serverSecretName}`,
  });
  return { tls: { settings, serverSecret } };
}
