// The command line of each component. Pure: what is started, how and when is control-plane.ts's.
import { join } from "node:path";
import type { Client, Credentials } from "./pki.ts";

export type ComponentName = "etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kwok";

export interface Ports {
  readonly etcd: number;
  readonly peer: number;
  readonly api: number;
  readonly kwok: number;
}

export interface ArgumentsInput {
  readonly directory: string;
  readonly credentials: Credentials;
  readonly ports: Ports;
  readonly kubeconfig: (client: Client) => string;
  readonly fsync: boolean;
  readonly apiServerFlags: readonly string[];
  readonly controllerManagerFlags: readonly string[];
}

/** Clients' own rate limits, high enough never to be what a test measures. */
const clientRate = ["--kube-api-qps=500", "--kube-api-burst=1000"];

const byComponent: Readonly<Record<ComponentName, (input: ArgumentsInput) => string[]>> = {
  etcd,
  "kube-apiserver": apiServer,
  "kube-controller-manager": controllerManager,
  "kube-scheduler": scheduler,
  kwok,
};

/** The arguments, without the component's name. */
export function argumentsOf(component: ComponentName, input: ArgumentsInput): string[] {
  return byComponent[component](input);
}

function scheduler({ kubeconfig }: ArgumentsInput): string[] {
  return [`--kubeconfig=${kubeconfig("scheduler")}`, "--leader-elect=false", "--secure-port=0", ...clientRate];
}

function etcd({ directory, ports, fsync }: ArgumentsInput): string[] {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  return [
    "--name=driftless",
    `--data-dir=${join(directory, "etcd")}`,
    "--log-level=warn",
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=driftless=${peer}`,
    "--quota-backend-bytes=8589934592",
    // One member, whose data folder may be started again with another peer port.
    "--force-new-cluster",
    ...(fsync ? [] : ["--unsafe-no-fsync"]),
  ];
}

function apiServer({ credentials, ports, apiServerFlags }: ArgumentsInput): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${ports.api}`,
    `--tls-cert-file=${credentials.certFile}`,
    `--tls-private-key-file=${credentials.keyFile}`,
    `--client-ca-file=${credentials.caFile}`,
    `--token-auth-file=${credentials.tokensFile}`,
    "--authorization-mode=Node,RBAC",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${credentials.serviceAccountPublicFile}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
    "--service-cluster-ip-range=10.0.0.0/16",
    "--endpoint-reconciler-type=none",
    "--allow-privileged=true",
    "--max-requests-inflight=2000",
    "--max-mutating-requests-inflight=1000",
    ...apiServerFlags,
  ];
}

function controllerManager(input: ArgumentsInput): string[] {
  const { credentials } = input;
  return [
    `--kubeconfig=${input.kubeconfig("controller-manager")}`,
    "--leader-elect=false",
    "--secure-port=0",
    `--service-account-private-key-file=${credentials.serviceAccountKeyFile}`,
    `--root-ca-file=${credentials.caFile}`,
    `--cluster-signing-cert-file=${credentials.caFile}`,
    `--cluster-signing-key-file=${credentials.caKeyFile}`,
    ...clientRate,
    ...input.controllerManagerFlags,
  ];
}

function kwok({ directory, credentials, ports, kubeconfig }: ArgumentsInput): string[] {
  return [
    `--kubeconfig=${kubeconfig("kwok")}`,
    `--config=${join(directory, "stages.yaml")}`,
    "--manage-all-nodes=true",
    "--node-ip=127.0.0.1",
    "--cidr=10.64.0.0/16",
    "--node-lease-duration-seconds=40",
    `--server-address=127.0.0.1:${ports.kwok}`,
    `--node-port=${ports.kwok}`,
    `--tls-cert-file=${credentials.certFile}`,
    `--tls-private-key-file=${credentials.keyFile}`,
  ];
}
