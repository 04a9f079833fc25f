// Clusters as argocd prints them. Pure.
import type { Cluster } from "../server/services.ts";
import { oneLine, table } from "./table.ts";

const header = ["SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT"];

export function clusterTable(clusters: readonly Cluster[]): string {
  const rows = clusters.map(
    ({ server, name = "", namespaces = [], serverVersion = "", connectionState, project = "" }) =>
      [
        namespaces.length > 0 ? `${server} (${namespaces.length} namespaces)` : server,
        name,
        serverVersion,
        connectionState?.status ?? "",
        connectionState?.message ?? "",
        project,
      ].map(oneLine),
  );
  return table([header, ...rows]);
}

export function clusterDetails(cluster: Cluster): string {
  const { config = {}, namespaces = [] } = cluster;
  const tls = config.tlsClientConfig ?? {};
  const line = (name: string, value: string | boolean): string => `  ${name.padEnd(23)}${oneLine(String(value))}\n`;
  return [
    "Cluster information\n\n",
    line("Server URL:", cluster.server),
    line("Server Name:", cluster.name || "-"),
    line("Server Version:", cluster.serverVersion ?? ""),
    line("Namespaces:", namespaces.length === 0 ? "all namespaces" : namespaces.join(", ")),
    "\nTLS configuration\n\n",
    line("Client cert:", Boolean(tls.certData)),
    line("Cert validation:", !tls.insecure),
    "\nAuthentication\n\n",
    line("Basic authentication:", Boolean(config.username)),
    line("oAuth authentication:", Boolean(config.bearerToken)),
    line("AWS authentication:", config.awsAuthConfig !== undefined),
    "\n",
  ].join("");
}
