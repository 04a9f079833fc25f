// The flags that `admin` commands share: kubectl's, for the cluster they work on, and those for the settings they read.
import { bool, text, texts, type FlagValues, type Flags } from "../flags.ts";

/** kubectl's flags. `--server`, which every command has, is the API server's address here. */
export const targetFlags = {
  kubeconfig: text("The kubeconfig to read"),
  context: text("Context of the kubeconfig; the current one unless told"),
  namespace: text("Namespace that Argo CD's settings are in; the context's unless told", { short: "n" }),
  cluster: text("Cluster of the kubeconfig", { hidden: true }),
  user: text("User of the kubeconfig", { hidden: true }),
  token: text("Bearer token for the API server", { hidden: true }),
  username: text("User name for the API server", { hidden: true }),
  password: text("Password for the API server", { hidden: true }),
  "client-certificate": text("File of the client's certificate", { hidden: true }),
  "client-key": text("File of the client's key", { hidden: true }),
  "certificate-authority": text("File of the authority's certificate", { hidden: true }),
  "insecure-skip-tls-verify": bool("Do not verify the API server's certificate", { hidden: true }),
  "tls-server-name": text("Name that the API server's certificate is checked for", { hidden: true }),
  "proxy-url": text("Proxy to the API server", { hidden: true }),
  "disable-compression": bool("Answers of the API server are not compressed", { hidden: true }),
  "request-timeout": text("Accepted: requests have limits of their own", { hidden: true, fallback: "0" }),
  as: text("User to act as", { hidden: true }),
  "as-group": texts("Group to act as; may be repeated", { hidden: true }),
  "as-uid": text("UID to act as", { hidden: true }),
} as const satisfies Flags;

export type TargetValues = FlagValues<typeof targetFlags>;

/** Flags of every `admin settings` command. */
export const settingsFlags = {
  ...targetFlags,
  "argocd-cm-path": text("File with the ConfigMap argocd-cm"),
  "argocd-secret-path": text("File with the Secret argocd-secret"),
  "load-cluster-settings": bool("Read from the cluster what no file is given for"),
} as const satisfies Flags;

/** Flags of every `admin notifications` command. */
export const notificationFlags = {
  ...targetFlags,
  "config-map": text("File with the ConfigMap argocd-notifications-cm; the cluster's unless told"),
  secret: text("File with the Secret argocd-notifications-secret, or :empty", { hidden: true }),
  "argocd-repo-server": text("Accepted: there is none", { hidden: true, fallback: "argocd-repo-server:8081" }),
  "argocd-repo-server-plaintext": bool("Accepted: there is no repository server", { hidden: true }),
  "argocd-repo-server-strict-tls": bool("Accepted: there is no repository server", { hidden: true }),
  "repo-server-ca-cert-path": text("Accepted: there is no repository server", { hidden: true }),
  "repo-server-client-cert-path": text("Accepted: there is no repository server", {
    hidden: true,
    fallback: "/app/config/reposerver/mtls/client.crt",
  }),
  "repo-server-client-cert-key-path": text("Accepted: there is no repository server", {
    hidden: true,
    fallback: "/app/config/reposerver/mtls/client.key",
  }),
} as const satisfies Flags;
