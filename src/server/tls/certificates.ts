// Which certificate the server shows: that of the Secret `argocd-server-tls`; else `tls.crt` and `tls.key` of
// `argocd-secret`; else one signed by itself, made at the first start and kept there. Follows both Secrets.
// Source: Argo CD's "TLS configuration".
import { createPrivateKey, X509Certificate } from "node:crypto";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Informer } from "#runtime/informer.ts";
import { secretName } from "../auth/accounts.ts";
import { changeSecret, readSecret, secretData, type SecretData, type SecretDeps } from "../auth/secret.ts";
import type { Certificate } from "../rpc/listener.ts";
import { organisation, selfSigned } from "./self-signed.ts";

/** The Secret that an administrator, or cert-manager, writes. */
export const serverSecretName = "argocd-server-tls";

export interface CertificateDeps extends SecretDeps {
  readonly clock: Clock;
  /** Follows `argocd-server-tls`, which has no label to be found by. */
  readonly serverSecret: Informer<KubernetesObject>;
  /** Follows `argocd-secret`. */
  readonly ownSecrets: Informer<KubernetesObject>;
  /** The address that is listened on. */
  readonly host: string;
}

/** Our own certificate is made anew at a start this long before it ends. */
const renewBeforeMs = 30 * 24 * 3600_000;

/** The certificate to begin with. Makes and keeps one where none is usable. */
export async function firstCertificate(op: Op, deps: CertificateDeps): Promise<Certificate> {
  await deps.serverSecret.start();
  const given = serverSecret(op, deps);
  if (given) return given;
  const kept = certificateIn(op, secretName, await readSecret(op, deps, secretName));
  if (kept && !ownAndEnding(kept, deps.clock.now())) return kept;
  const made = await selfSigned(namesFor(deps.namespace, deps.host), deps.clock.now());
  const now = await changeSecret(op, deps, secretName, (data): Readonly<Record<string, string>> => {
    const there = certificateIn(op, secretName, data);
    // Another replica may have been quicker.
    return there && !ownAndEnding(there, deps.clock.now()) ? {} : { "tls.crt": made.cert, "tls.key": made.key };
  });
  op.log.info("a certificate was made for the server", { kept: secretName });
  return certificateIn(op, secretName, now) ?? made;
}

/** Calls back with each certificate that takes the place of the one before. What is not usable is told, and changes nothing. */
export function followCertificates(
  op: Op,
  deps: CertificateDeps,
  first: Certificate,
  use: (certificate: Certificate) => void,
): void {
  const own = (): KubernetesObject | undefined => deps.ownSecrets.get(deps.namespace, secretName);
  let shown = first.cert + first.key;
  const look = (): void => {
    // A Secret that is there and not usable is somebody's mistake: names and trust are not changed for it.
    const given = deps.serverSecret.get(deps.namespace, serverSecretName);
    const found = given ? serverSecret(op, deps) : certificateIn(op, secretName, secretData(own()));
    if (!found || found.cert + found.key === shown) return;
    try {
      use(found);
      shown = found.cert + found.key;
      op.log.info("the server's certificate was taken over", { subject: new X509Certificate(found.cert).subject });
    } catch (thrown) {
      op.log.warn("the server's certificate is not usable; the one before stays", { error: toError(thrown).message });
    }
  };
  deps.serverSecret.subscribe(look);
  deps.ownSecrets.subscribe(({ after }) => {
    if (after?.metadata.name === secretName) look();
  });
}

function serverSecret(op: Op, { namespace, serverSecret }: CertificateDeps): Certificate | undefined {
  const secret = serverSecret.get(namespace, serverSecretName);
  return secret && certificateIn(op, serverSecretName, secretData(secret));
}

/** The pair in a Secret's data; undefined where there is none, or where it is told to be unusable. */
function certificateIn(op: Op, name: string, data: SecretData): Certificate | undefined {
  const { "tls.crt": cert = "", "tls.key": key = "" } = data;
  if (cert.trim() === "" && key.trim() === "") return undefined;
  try {
    checkPair(cert, key);
    return { cert, key };
  } catch (thrown) {
    op.log.warn("certificate not usable", { from: name, error: toError(thrown).message });
    return undefined;
  }
}

/** Error: CONFIG_INVALID, without a word of what the key is. */
function checkPair(cert: string, key: string): void {
  const problem = (text: string): DriftlessError => new DriftlessError("CONFIG_INVALID", text);
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch {
    throw problem("tls.crt holds no certificate in PEM");
  }
  let fits: boolean;
  try {
    fits = leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw problem("tls.key holds no private key in PEM, or one with a passphrase");
  }
  if (!fits) throw problem("tls.key is not the key of tls.crt");
}

function ownAndEnding({ cert }: Certificate, nowMs: number): boolean {
  const leaf = new X509Certificate(cert);
  return leaf.issuer === `O=${organisation}` && Date.parse(leaf.validTo) - nowMs < renewBeforeMs;
}

/** The names that the server goes by: its Service's, as Argo CD's manifests call it, and this machine's. */
function namesFor(namespace: string, host: string): readonly string[] {
  const service = ["argocd-server", "driftless-server"].flatMap((name) =>
    ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`].map((rest) => `${name}${rest}`),
  );
  const listened = ["", "0.0.0.0", "::"].includes(host) ? [] : [host];
  return [...new Set(["localhost", "127.0.0.1", "::1", ...service, ...listened])];
}
