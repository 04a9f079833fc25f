// The cluster under further addresses, so that each driver can add it as one of its own; and a program that gives the
// credentials of its administrator.
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { parse } from "yaml";

export interface SecondCluster {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly command: string;
  readonly args: readonly string[];
}

interface KubeconfigFile {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

/** Takes a kubeconfig and a folder to keep the credentials in. Whoever starts it closes it. */
export async function secondCluster(
  kubeconfig: string,
  folder: string,
): Promise<SecondCluster & { close(): Promise<void> }> {
  const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as KubeconfigFile;
  const { cluster } = clusters[0]!;
  const user = users[0]?.user ?? {};
  const pem = (from: Readonly<Record<string, string>>, name: string): string | undefined => {
    const data = from[`${name}-data`];
    return data === undefined ? from[name] && readFileSync(from[name], "utf8") : Buffer.from(data, "base64").toString();
  };
  const credential = join(folder, "credential.json");
  const status = {
    token: user["token"],
    clientCertificateData: pem(user, "client-certificate"),
    clientKeyData: pem(user, "client-key"),
  };
  const apiVersion = "client.authentication.k8s.io/v1beta1";
  writeFileSync(credential, JSON.stringify({ apiVersion, kind: "ExecCredential", status }), { mode: 0o600 });
  const { hostname, port } = new URL(cluster["server"]!);
  const sockets = new Set<Socket>();
  const door = createServer((socket) => {
    const onward = connect(Number(port), hostname);
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(from);
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("error", () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => {
    door.listen(0, "127.0.0.1", resolve);
  });
  return {
    server: `https://127.0.0.1:${(door.address() as AddressInfo).port}`,
    ca: pem(cluster, "certificate-authority") ?? "",
    command: "cat",
    args: [credential],
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => door.close(resolve));
    },
  };
}
