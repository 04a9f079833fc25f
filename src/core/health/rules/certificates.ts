// cert-manager and trust-manager.
import type { HealthRule } from "../rule.ts";
import { condition, degraded, healthy, phases, progressing, ready } from "./words.ts";

const docs = "https://cert-manager.io/docs";

export const certificates: readonly HealthRule[] = [
  // While one is issued for the first time, Ready is False; while it is renewed, the old one still serves.
  ready("Ready", ["cert-manager.io/Certificate"], `${docs}/usage/certificate/`, {
    observed: "conditions",
    before: [progressing(condition("Issuing", "True"))],
    waiting: "Waiting for the certificate",
  }),
  {
    kinds: ["cert-manager.io/CertificateRequest"],
    source: `${docs}/usage/certificaterequest/`,
    when: [
      degraded(condition("InvalidRequest", "True")),
      degraded(condition("Denied", "True")),
      healthy(condition("Ready", "True")),
      progressing(condition("Ready", "False", "Pending")),
      degraded(condition("Ready", "False")),
    ],
    otherwise: { health: "Progressing", message: "Waiting for the request to be approved and signed" },
  },
  ready("Ready", ["cert-manager.io/Issuer", "cert-manager.io/ClusterIssuer"], `${docs}/configuration/`, {
    observed: "conditions",
    passing: ["Initializing"],
    waiting: "Initializing the issuer",
  }),
  phases(
    "status.state",
    ["acme.cert-manager.io/Order", "acme.cert-manager.io/Challenge"],
    `${docs}/concepts/acme-orders-challenges/`,
    {
      healthy: ["valid"],
      degraded: ["invalid", "expired", "errored"],
      messageFrom: "status.reason",
    },
  ),
  ready("Synced", ["trust.cert-manager.io/Bundle"], `${docs}/trust/trust-manager/`, {
    observed: "conditions",
    before: [degraded(condition("Synced", "False", "SourceNotFound", "SourceBuildError"))],
    falseIs: "Progressing",
  }),
];
