// Flux: sources, releases, images, notifications. All follow kstatus: Stalled, Reconciling, Ready.
import type { HealthRule } from "../rule.ts";
import { condition, degraded, healthy, is, progressing, suspended, field } from "./words.ts";

const kinds = [
  "source.toolkit.fluxcd.io/GitRepository",
  "source.toolkit.fluxcd.io/Bucket",
  "source.toolkit.fluxcd.io/HelmChart",
  "source.toolkit.fluxcd.io/HelmRepository",
  "source.toolkit.fluxcd.io/OCIRepository",
  "source.toolkit.fluxcd.io/ExternalArtifact",
  "source.extensions.fluxcd.io/ArtifactGenerator",
  "helm.toolkit.fluxcd.io/HelmRelease",
  "kustomize.toolkit.fluxcd.io/Kustomization",
  "image.toolkit.fluxcd.io/ImageRepository",
  "image.toolkit.fluxcd.io/ImagePolicy",
  "image.toolkit.fluxcd.io/ImageUpdateAutomation",
  "notification.toolkit.fluxcd.io/Receiver",
];

export const flux: readonly HealthRule[] = [
  {
    kinds,
    source: "https://fluxcd.io/flux/components/",
    observed: "conditions",
    when: [
      suspended(is("spec.suspend", true), "Reconciliation is suspended"),
      // A Helm repository of charts in an OCI registry is only read by others: it has no status.
      healthy([is("kind", "HelmRepository"), is("spec.type", "oci")]),
      degraded(condition("Stalled", "True")),
      progressing(condition("Reconciling", "True")),
      healthy(condition("Ready", "True")),
      progressing(condition("Ready", "False", "Progressing", "ProgressingWithRetry", "DependencyNotReady")),
      degraded(condition("Ready", "False")),
    ],
    otherwise: { health: "Progressing", message: "Waiting to be reconciled" },
  },
  {
    // Without a status since v1beta3.
    kinds: ["notification.toolkit.fluxcd.io/Alert", "notification.toolkit.fluxcd.io/Provider"],
    source: "https://fluxcd.io/flux/components/notification/",
    when: [
      suspended(is("spec.suspend", true), "Notifications are suspended"),
      degraded(condition("Ready", "False")),
      progressing(condition("Ready", "Unknown")),
    ],
    otherwise: { health: "Healthy" },
  },
  {
    kinds: ["flagger.app/Canary"],
    source: "https://docs.flagger.app/usage/how-it-works#canary-status",
    when: [
      suspended(is("spec.suspend", true), "Canary is suspended"),
      healthy(field("status.phase", "Initialized", "Succeeded")),
      degraded(field("status.phase", "Failed"), { messageFrom: "status.conditions.*.message" }),
      suspended(field("status.phase", "Waiting", "WaitingPromotion"), { messageFrom: "status.conditions.*.message" }),
    ],
    otherwise: { health: "Progressing", messageFrom: "status.conditions.*.message", message: "Waiting for the canary" },
  },
];
