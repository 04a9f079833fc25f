// Flags that every command takes. Those that argocd has for its own components are accepted and mean nothing here.
import { bool, int, list, text, type FlagValues, type Flags } from "./flags.ts";

export const globalFlags = {
  server: text("Address of the server: HOST:PORT or a URL"),
  "auth-token": text("Token to authenticate with; env ARGOCD_AUTH_TOKEN or DRIFTLESS_AUTH_TOKEN"),
  "argocd-context": text("Context of the configuration file to use"),
  config: text("Path of the configuration file (default ~/.config/driftless/config)"),
  plaintext: bool("Speak HTTP, without TLS"),
  insecure: bool("Do not verify the server's certificate"),
  "server-crt": text("File of the certificate authority's certificate"),
  "client-crt": text("File of the client's certificate"),
  "client-crt-key": text("File of the client's key"),
  header: list("Header to send with every request, NAME: VALUE; may be repeated", { short: "H" }),
  "grpc-web-root-path": text("Path of the server behind a proxy"),
  "http-retry-max": int("How often a read that failed on the network is tried again"),
  loglevel: text("How much is logged: debug, info, warn, error", {
    fallback: "info",
    choices: ["debug", "info", "warn", "error"],
  }),
  verbose: bool("Say which server is used: same as --loglevel debug", { short: "v" }),
  "grpc-web": bool("Accepted: REST is always used", { hidden: true }),
  logformat: text("How the log is written: text, json", { fallback: "text", choices: ["text", "json"] }),
  "prompts-enabled": bool("Ask before destructive actions", { fallback: true, hidden: true }),
  core: bool("Talk straight to the cluster of the kubeconfig, without a server"),
  "kube-context": text("Context of the kubeconfig, for --core, --port-forward and admin"),
  "controller-name": text("Accepted", { hidden: true }),
  "redis-compress": text("Accepted", { hidden: true }),
  "redis-haproxy-name": text("Accepted", { hidden: true }),
  "redis-name": text("Accepted", { hidden: true }),
  "repo-server-name": text("Accepted", { hidden: true }),
  "port-forward": bool("Forward a port to a pod of the server, by the cluster of the kubeconfig"),
  "port-forward-namespace": text("Namespace of the server's pods; as --port-forward"),
  "server-name": text(
    "With --port-forward: label app.kubernetes.io/name of the server's pods, argocd-server unless told; env ARGOCD_SERVER_NAME",
  ),
} as const satisfies Flags;

/** kubectl's flags, which argocd adds to whole groups: for `--core`. A command's own flag of the same name goes first. */
export const kubeFlags = {
  cluster: text("With --core: cluster of the kubeconfig", { hidden: true }),
  context: text("With --core: context of the kubeconfig", { hidden: true }),
  "insecure-skip-tls-verify": bool("With --core: do not verify the API server's certificate", { hidden: true }),
  kubeconfig: text("With --core: the kubeconfig to read", { hidden: true }),
  namespace: text("With --core: the installation's namespace; the context's unless told", { hidden: true, short: "n" }),
  password: text("With --core: password for the API server", { hidden: true }),
  "proxy-url": text("With --core: proxy to the API server", { hidden: true }),
  "request-timeout": text("Accepted: requests have limits of their own", { hidden: true, fallback: "0" }),
  token: text("With --core: bearer token for the API server", { hidden: true }),
  user: text("With --core: user of the kubeconfig", { hidden: true }),
  username: text("With --core: user name for the API server", { hidden: true }),
} as const satisfies Flags;

export type KubeValues = FlagValues<typeof kubeFlags>;
