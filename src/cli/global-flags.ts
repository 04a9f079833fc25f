// Flags that every command takes. Those that argocd has for its own components are accepted and mean nothing here.
import { bool, int, later, list, text, type Flags } from "./flags.ts";

const core = "talking straight to the cluster comes later; run driftless up or log in to a server";

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
  loglevel: text("How much is logged: debug, info, warn, error", { fallback: "info" }),
  verbose: bool("Say which server is used: same as --loglevel debug", { short: "v" }),
  "grpc-web": bool("Accepted: REST is always used", { hidden: true }),
  logformat: text("Accepted", { hidden: true }),
  "prompts-enabled": bool("Ask before destructive actions", { fallback: true, hidden: true }),
  core: later(bool("Talk straight to the cluster", { hidden: true }), core),
  "port-forward": later(bool("Forward a port to the server", { hidden: true }), core),
  "port-forward-namespace": later(text("Namespace to forward a port to", { hidden: true }), core),
  "kube-context": text("Accepted", { hidden: true }),
  "controller-name": text("Accepted", { hidden: true }),
  "redis-compress": text("Accepted", { hidden: true }),
  "redis-haproxy-name": text("Accepted", { hidden: true }),
  "redis-name": text("Accepted", { hidden: true }),
  "repo-server-name": text("Accepted", { hidden: true }),
  "server-name": text("Accepted", { hidden: true }),
} as const satisfies Flags;

/** Flags that argocd adds to whole groups for `--core`: accepted so that scripts go on working. */
export const kubeFlags = {
  cluster: text("Accepted", { hidden: true }),
  context: text("Accepted", { hidden: true }),
  "insecure-skip-tls-verify": bool("Accepted", { hidden: true }),
  kubeconfig: text("Accepted", { hidden: true }),
  namespace: text("Accepted", { hidden: true, short: "n" }),
  password: text("Accepted", { hidden: true }),
  "proxy-url": text("Accepted", { hidden: true }),
  "request-timeout": text("Accepted", { hidden: true }),
  token: text("Accepted", { hidden: true }),
  user: text("Accepted", { hidden: true }),
  username: text("Accepted", { hidden: true }),
} as const satisfies Flags;
