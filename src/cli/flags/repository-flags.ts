// The flags of `repo add` and `repocreds add`, and the repository or template that they describe. Files are read here: keys
// and certificates are named by flags, never written on the command line.
import { DriftlessError } from "#base/errors.ts";
import type { Context } from "../context.ts";
import { readPlace } from "../local/files.ts";
import { bool, int, later, text, type FlagValues, type Flags } from "../flags.ts";
import { ask } from "../commands/login.ts";
import type { Repository } from "../server/services.ts";

export const credentialFlags = {
  type: text("Type: git, helm, oci", { fallback: "git" }),
  username: text("User name"),
  password: text("Password; asked for where only --username is given"),
  "bearer-token": text("Bearer token of a Git server over HTTPS"),
  "ssh-private-key-path": text("File of the private SSH key"),
  "tls-client-cert-path": text("File of the client's certificate, in PEM"),
  "tls-client-cert-key-path": text("File of the client's key, in PEM"),
  "github-app-id": int("ID of a GitHub App"),
  "github-app-installation-id": int("ID of its installation"),
  "github-app-private-key-path": text("File of its private key"),
  "github-app-enterprise-base-url": text("API of a GitHub Enterprise server"),
  "gcp-service-account-key-path": text("File of a Google Cloud service account's key"),
  "azure-service-principal-client-id": text("Client ID of an Azure service principal"),
  "azure-service-principal-client-secret": text("Its secret"),
  "azure-service-principal-tenant-id": text("Its tenant"),
  "azure-active-directory-endpoint": text("Its Active Directory"),
  "use-azure-workload-identity": bool("Authenticate by Azure's workload identity"),
  "enable-oci": bool("A Helm repository that is an OCI registry"),
  "insecure-oci-force-http": bool("An OCI registry without TLS"),
  "force-http-basic-auth": bool("Send the password without being asked for it"),
} as const satisfies Flags;

type Values = FlagValues<typeof credentialFlags>;

export const repositoryFlags = {
  ...credentialFlags,
  name: text("Name of the repository; needed for Helm"),
  project: text("Project that the repository belongs to"),
  "insecure-ignore-host-key": bool("Do not verify the host's SSH key; --insecure-skip-server-verification is the same"),
  "insecure-skip-server-verification": bool("Do not verify the server's certificate or host key"),
  "enable-lfs": bool("Read large files of Git LFS"),
  depth: int("How many commits of history are fetched; all unless told"),
  proxy: text("Proxy to the repository"),
  "no-proxy": text("Hosts that are reached without it"),
  "webhook-manifest-cache-warm-disabled": later(
    bool("Do not render before anybody asks", { hidden: true }),
    "nothing is rendered before anybody asks: leave it out",
  ),
} as const satisfies Flags;

const isSsh = (url: string): boolean => /^ssh:\/\//i.test(url) || /^[^/:@\s]+@[^/:\s]+:/.test(url);

/** The repository that the command line describes. Errors as of `credentialFields`. */
export async function describedRepository(
  context: Context,
  url: string,
  values: FlagValues<typeof repositoryFlags>,
): Promise<Repository> {
  if (values.type === "helm" && values.name === "")
    throw new DriftlessError("INVALID_ARGUMENT", "Must specify --name for repos of type 'helm'");
  return present({
    repo: url,
    ...(await credentialFields(context, url, values)),
    name: values.name,
    project: values.project,
    insecure: values["insecure-skip-server-verification"],
    insecureIgnoreHostKey: values["insecure-ignore-host-key"],
    enableLfs: values["enable-lfs"],
    depth: values.depth,
    proxy: values.proxy,
    noProxy: values["no-proxy"],
  });
}

/** What lets one in at a URL. Errors: INVALID_ARGUMENT for flags that do not fit; CONFIG_INVALID for unreadable files. */
export async function credentialFields(context: Context, url: string, values: Values): Promise<Repository> {
  checkCredentials(url, values);
  const file = async (flag: keyof Values & `${string}-path`): Promise<string> =>
    values[flag] === "" ? "" : readPlace(context, values[flag]);
  const asksPassword = values.username !== "" && values.password === "" && values["tls-client-cert-path"] === "";
  return present({
    type: values.type,
    username: values.username,
    password: asksPassword ? await ask(context, "Password: ", "--password", true) : values.password,
    bearerToken: values["bearer-token"],
    sshPrivateKey: await file("ssh-private-key-path"),
    tlsClientCertData: await file("tls-client-cert-path"),
    tlsClientCertKey: await file("tls-client-cert-key-path"),
    githubAppID: values["github-app-id"],
    githubAppInstallationID: values["github-app-installation-id"],
    githubAppPrivateKey: await file("github-app-private-key-path"),
    githubAppEnterpriseBaseUrl: values["github-app-enterprise-base-url"],
    gcpServiceAccountKey: await file("gcp-service-account-key-path"),
    azureServicePrincipalClientId: values["azure-service-principal-client-id"],
    azureServicePrincipalClientSecret: values["azure-service-principal-client-secret"],
    azureServicePrincipalTenantId: values["azure-service-principal-tenant-id"],
    azureActiveDirectoryEndpoint: values["azure-active-directory-endpoint"],
    useAzureWorkloadIdentity: values["use-azure-workload-identity"],
    enableOCI: values["enable-oci"],
    insecureOCIForceHttp: values["insecure-oci-force-http"],
    forceHttpBasicAuth: values["force-http-basic-auth"],
  });
}

/** The fields that say something. */
export const present = (fields: Repository): Repository =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== "" && value !== false && value !== 0),
  );

function checkCredentials(url: string, values: Values): void {
  const refuse = (why: string): never => {
    throw new DriftlessError("INVALID_ARGUMENT", why);
  };
  if (!["git", "helm", "oci"].includes(values.type)) refuse(`--type takes git, helm or oci, not "${values.type}"`);
  if (values["ssh-private-key-path"] !== "" && !isSsh(url))
    refuse("--ssh-private-key-path is only supported for SSH repositories.");
  const [cert, key] = [values["tls-client-cert-path"], values["tls-client-cert-key-path"]];
  if ((cert === "") !== (key === ""))
    refuse("--tls-client-cert-path and --tls-client-cert-key-path are always required together.");
  if (cert !== "" && isSsh(url)) refuse("--tls-client-cert-path is only supported for HTTPS repositories.");
  if (values["bearer-token"] === "") return;
  if (isSsh(url) || values.type !== "git") refuse("--bearer-token is only supported for HTTPS Git repositories.");
  if (values.password !== "") refuse("only --bearer-token or --password is allowed, not both.");
}
